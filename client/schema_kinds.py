"""What a JSON schema lets through: its kinds, which are alternatives, and how they are written for people."""

from collections.abc import Iterator
from typing import Any

from client.output import json_text
from contract import JsonSchema


def kinds(schema: JsonSchema, definitions: JsonSchema) -> list[JsonSchema]:
    """The alternatives that a value may match, each of a single type where it has one, and none a reference.

    Parameters:
        definitions: the `$defs` that the schema's references lead to.
    """
    return [kind for kind, _ in _resolved(schema, definitions)]


def takes_null(schema: JsonSchema, definitions: JsonSchema) -> bool:
    """Whether null is one of them."""
    return any(_is_null(kind) for kind in kinds(schema, definitions))


def is_text(schema: JsonSchema, definitions: JsonSchema) -> bool:
    """Whether a value has to be a string, or null where it takes that."""
    others = [kind for kind in kinds(schema, definitions) if not _is_null(kind)]
    return bool(others) and all(kind.get("type") == "string" for kind in others)


def written(schema: JsonSchema, definitions: JsonSchema) -> str:
    """In short what may be sent: `integer or null`, `"red" or "blue"`, `array of integer`, `{n: integer, note?: date}`.

    A type that holds itself is a name where it comes again.
    """
    return " or ".join(dict.fromkeys(_written(kind, left) for kind, left in _resolved(schema, definitions)))


def _resolved(schema: Any, definitions: JsonSchema) -> Iterator[tuple[JsonSchema, JsonSchema]]:
    """Each kind, with the definitions that were not used to come to it."""
    if not isinstance(schema, dict):  # `true` is a schema, too, which lets everything through
        schema = {}
    name = schema.get("$ref", "").rpartition("/")[2]
    parts = schema.get("allOf", [])
    if name in definitions:
        left = {other: definition for other, definition in definitions.items() if other != name}
        yield from _resolved(definitions[name], left)
    elif alternatives := schema.get("anyOf") or schema.get("oneOf") or (parts if len(parts) == 1 else None):
        for alternative in alternatives:
            yield from _resolved(alternative, definitions)
    elif isinstance(schema.get("type"), list):
        for one in schema["type"]:
            yield schema | {"type": one}, definitions
    else:
        yield schema, definitions


def _is_null(kind: JsonSchema) -> bool:
    return kind.get("type") == "null"


def _written(kind: JsonSchema, definitions: JsonSchema) -> str:
    values = kind.get("enum", [kind["const"]] if "const" in kind else [])
    if values:
        return " or ".join(json_text(value, None) for value in values)
    if kind.get("type") == "array":
        return _array(kind, definitions)
    if kind.get("type") == "object":
        return _object(kind, definitions)
    return str(kind.get("format") or kind.get("type") or kind.get("$ref", "any").rpartition("/")[2])


def _array(kind: JsonSchema, definitions: JsonSchema) -> str:
    if places := kind.get("prefixItems"):
        return f"[{', '.join(written(place, definitions) for place in places)}]"
    return f"array of {_as_part(kind['items'], definitions)}" if kind.get("items") else "array"


def _object(kind: JsonSchema, definitions: JsonSchema) -> str:
    if fields := kind.get("properties"):
        required = kind.get("required", ())
        parts = (f"{name}{'' if name in required else '?'}: {written(fields[name], definitions)}" for name in fields)
        return f"{{{', '.join(parts)}}}"
    others = kind.get("additionalProperties")
    return f"object of {_as_part(others, definitions)}" if isinstance(others, dict) else "object"


def _as_part(schema: JsonSchema, definitions: JsonSchema) -> str:
    text = written(schema, definitions)
    return f"({text})" if " or " in text else text
