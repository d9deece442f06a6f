"""Parameters as they are typed: `text=hello min_value=3 'tags=["a", "b"]'`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from client.errors import UsageError


def read_assignments(words: Sequence[str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters: a value is JSON where it can be read as that, and a string where it cannot, or where the task
    takes a string.

    Parameters:
        schema: of the task's parameters; empty where it is not known.

    Raises:
        UsageError: when a word is no assignment, or a name is assigned to twice.
    """
    parameters: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not name or not equals:
            raise UsageError(f"{word!r} should be a parameter and its value: name=value")
        if name in parameters:
            raise UsageError(f"{name!r} is given twice")
        parameters[name] = _value(text, schema.get("properties", {}).get(name, {}))
    return parameters


def read_user_id(text: str | None) -> str | int | None:
    """A user id as it is typed: `7` is a number; the text is `'"7"'`."""
    value = None if text is None else _value(text, {})
    return value if isinstance(value, str | int) and not isinstance(value, bool) else text


def _value(text: str, schema: Mapping[str, Any]) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if schema.get("type") == "string" and not isinstance(value, str) else value
