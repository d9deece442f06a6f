"""The units for systemd."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.system import PROJECT

UNITS = sorted((PROJECT / "deploy" / "systemd").glob("*.service"))

#: In tenths, of the ten that systemd gives a service that may do everything.
MOST_EXPOSURE = 20


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_process_that_somebody_has_taken_over_may_do_little(unit: Path) -> None:
    if (program := shutil.which("systemd-analyze")) is None:
        pytest.skip("no systemd here")
    command = [program, "security", "--offline=true", f"--threshold={MOST_EXPOSURE}", "--no-pager", str(unit)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
