"""Settings from a file and an environment that a test gives in one line, with nothing of this machine's in them."""

import json
import os
import tempfile
from pathlib import Path
from unittest.mock import patch

import pytest

from errors import SettingsError
from settings import Settings, load_settings

OWN_VARIABLES = {"REDIS_HOST", "REDIS_PORT", "REDIS_URL", "LOG_LEVEL", "LOG_FORMAT", "CALLBOARD_CONFIG"}


def load(content: object, **variables: str) -> Settings:
    """What a file with this content makes: bytes as they are, everything else as JSON."""
    inherited = {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "callboard.json")
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        with patch.dict(os.environ, {"CALLBOARD_CONFIG": str(path)} | inherited | variables, clear=True):
            return load_settings()


def complaint(content: object, **variables: str) -> str:
    """The one line that refuses them."""
    with pytest.raises(SettingsError) as refused:
        load(content, **variables)
    line = str(refused.value)
    assert line.splitlines() == [line]
    return line
