"""docs/wire.md leaves out nothing that is on the wire."""

import re
from pathlib import Path

import pytest

from contract import ControlMessage, ErrorCode, EventKind, TaskDescription, TaskEvent, TaskOutcome, TaskRequest
from setting_sections import Channels

PAGE = (Path(__file__).parents[1] / "docs" / "wire.md").read_text()

MODELS = (TaskRequest, TaskOutcome, TaskEvent, ControlMessage, TaskDescription)
NAMES = sorted({name for model in MODELS for name in model.model_fields} - {"event"})


@pytest.mark.parametrize("name", [*NAMES, *ErrorCode, *EventKind])
def test_a_field_or_word_of_the_contract_is_on_the_page(name: str) -> None:
    assert re.search(rf'[`"]{name}["`]', PAGE)


@pytest.mark.parametrize("name", Channels.model_fields)
def test_a_channel_is_on_the_page_by_its_setting_and_its_default(name: str) -> None:
    assert f"`redis.channels.{name}`" in PAGE
    assert f"`{Channels.model_fields[name].default}`" in PAGE
