"""Parameters as they are typed: `text=hello min_value=3 'tags=["a", "b"]' limit:=3`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from client.errors import UsageError
from client.schema_kinds import is_text, takes_null
from contract import JsonSchema


def read_assignments(words: Sequence[str], schema: JsonSchema) -> dict[str, Any]:
    """The parameters: with `name:=value` the value is JSON; with `name=value` it is JSON where it can be read as that,
    and a string where it cannot, or where the task takes no other kind. In quotes, `'name="3"'`, it is always a string.

    Parameters:
        schema: of the task's parameters; empty where it is not known.

    Raises:
        UsageError: when a word is no assignment, a name is assigned to twice, or what should be JSON is none.
    """
    parameters: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        is_json = name.endswith(":")
        name = name.removesuffix(":")
        if not name or not equals:
            raise UsageError(f"{word!r} should be a parameter and its value: name=value, or name:=JSON")
        if name in parameters:
            raise UsageError(f"{name!r} is given twice")
        parameters[name] = _json(word, text) if is_json else _typed(text, name, schema)
    return parameters


def guessed(words: Sequence[str], parameters: Mapping[str, Any]) -> list[str]:
    """The parameters whose value was read as JSON for no other reason than that it can be, and is no string."""
    names = [word.partition("=")[0] for word in words]
    return [name for name in names if not isinstance(parameters.get(name, ""), str)]


def read_user_id(text: str | None) -> str | int | None:
    """A user id as it is typed: `7` is a number; the text is `'"7"'`."""
    value = None if text is None else _value(text)
    return value if isinstance(value, str | int) and not isinstance(value, bool) else text


def _json(word: str, text: str) -> Any:
    try:
        return _read(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{word!r} should have JSON after ':=', a string in quotes: {error}") from None


def _typed(text: str, name: str, schema: JsonSchema) -> Any:
    value = _value(text)
    property_, definitions = schema.get("properties", {}).get(name, {}), schema.get("$defs", {})
    if isinstance(value, str) or not is_text(property_, definitions):
        return value
    return None if value is None and takes_null(property_, definitions) else text


def _value(text: str) -> Any:
    try:
        return _read(text)
    except (ValueError, RecursionError):
        return text


def _read(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is none of its values")
