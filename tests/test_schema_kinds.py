"""What a JSON schema lets through, and how people read it."""

from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal, Optional

import pytest
from pydantic import BaseModel, Field, TypeAdapter

from client.schema_kinds import is_text, takes_null, written
from contract import JsonSchema


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Note(BaseModel):
    text: str
    reply: Optional["Note"] = None


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]
    friends: list["Dog"] = []


PET = Annotated[Cat | Dog, Field(discriminator="kind")]

WRITTEN = [
    (int | None, "integer or null"),
    (Colour, '"red" or "blue"'),
    (Colour | None, '"red" or "blue" or null'),
    (Literal["a", 1], '"a" or 1'),
    (list[int | str], "array of (integer or string)"),
    (tuple[int, str], "[integer, string]"),
    (dict[str, list[date]], "object of array of date"),
    (dict[str, Any], "object"),
    (list[Any], "array"),
    (Any, "any"),
    (Note, "{text: string, reply?: Note or null}"),
    (PET, '{kind: "cat"} or {kind: "dog", friends?: array of Dog}'),
]


def parts(kind: Any) -> tuple[JsonSchema, JsonSchema]:
    """A type's schema and its definitions."""
    schema = TypeAdapter(kind).json_schema()
    return schema, schema.get("$defs", {})


@pytest.mark.parametrize(("kind", "text"), WRITTEN, ids=[text for _, text in WRITTEN])
def test_what_may_be_sent_is_written_in_short(kind: Any, text: str) -> None:
    assert written(*parts(kind)) == text


def test_schemas_that_pydantic_does_not_write_are_read_as_well() -> None:
    assert written({"type": ["string", "null"]}, {}) == "string or null"
    assert written({"type": "array", "items": True}, {}) == "array of any"
    assert written({"$ref": "#/$defs/Gone"}, {}) == "Gone"
    assert is_text({"allOf": [{"$ref": "#/$defs/Text"}]}, {"Text": {"type": "string"}})


@pytest.mark.parametrize("kind", [str, str | None, date | None, Colour, Colour | None, Literal["1", "2"]])
def test_a_string_is_text_whatever_form_its_schema_has(kind: Any) -> None:
    assert is_text(*parts(kind))


@pytest.mark.parametrize("kind", [int, int | str, str | bool | None, None, Any, list[str], Note, Literal["a", 1]])
def test_what_may_be_something_else_is_no_text(kind: Any) -> None:
    assert not is_text(*parts(kind))


def test_null_is_taken_where_it_is_one_of_the_kinds() -> None:
    assert takes_null(*parts(Colour | None))
    assert not takes_null(*parts(Colour))
