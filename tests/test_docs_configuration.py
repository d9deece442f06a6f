"""docs/configuration.md names every setting, with its default, and nothing else."""

import json
from collections.abc import Iterator
from typing import get_args

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from setting_sections import ScheduledJob, Section
from settings import ENVIRONMENT, Settings
from tests.configured import load
from tests.pages import examples, table_rows

PAGE = "configuration.md"
ROWS = {row[0].strip("`"): row[1] for row in table_rows(PAGE)}


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting below a model, by the name that the page has for it."""
    for name, field in model.model_fields.items():
        sections = [kind for kind in (field.annotation, *get_args(field.annotation)) if _is_section(kind)]
        if sections == [ScheduledJob]:
            yield prefix + name, field
            yield from settings_of(ScheduledJob, f"{prefix}{name}[].")
        elif sections:
            yield from settings_of(sections[0], f"{prefix}{name}.")
        else:
            yield prefix + name, field


def _is_section(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def default_of(field: FieldInfo) -> str:
    """What the page has to say of a default."""
    if field.is_required():
        return "required"
    if field.default_factory is not None:
        return "number of CPUs"
    return "none" if field.default is None else f"`{json.dumps(to_jsonable_python(field.default))}`"


SETTINGS = dict(settings_of(Settings))


def test_the_page_names_every_setting_and_no_other() -> None:
    assert sorted(ROWS) == sorted([*SETTINGS, *ENVIRONMENT])


@pytest.mark.parametrize("name", SETTINGS)
def test_the_page_says_what_the_default_is(name: str) -> None:
    assert ROWS[name] == default_of(SETTINGS[name])


@pytest.mark.parametrize(("variable", "key"), ENVIRONMENT.items())
def test_the_page_says_what_a_variable_overrides(variable: str, key: tuple[str, ...]) -> None:
    assert ROWS[variable].startswith(f"`{'.'.join(key)}`")


@pytest.mark.parametrize("example", [e.code for e in examples(PAGE) if e.language == "json"])
def test_an_example_is_a_configuration(example: str) -> None:
    assert load(json.loads(example)) != load({})
