"""An example of what a JSON schema describes, made of the examples, defaults and constants in it."""

from contextlib import suppress
from typing import Any

from contract import JsonSchema
from errors import CallboardError


class NoExampleError(CallboardError):
    """A required part has none."""


def example_of(schema: JsonSchema) -> Any:
    """A value that the schema accepts, as its author would show it: what is optional is there when it has an example.

    Raises:
        NoExampleError: when a required part has neither an example nor a default nor a constant.
    """
    return _example(schema, schema.get("$defs", {}))


def _example(schema: JsonSchema, definitions: JsonSchema) -> Any:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        # Not to be met again further in: that would be a type which holds itself.
        return _example(
            definitions.get(name, {}), {other: definitions[other] for other in definitions if other != name}
        )
    if "examples" in schema:
        return schema["examples"][0]
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    for alternative in schema.get("anyOf") or schema.get("oneOf") or ():
        with suppress(NoExampleError):
            return _example(alternative, definitions)
    if schema.get("type") == "object" and not schema.get("minProperties"):
        return _object(schema, definitions)
    if schema.get("type") == "array" and "items" in schema and schema.get("minItems", 0) <= 1:
        return [_example(schema["items"], definitions)]
    raise NoExampleError(f"{schema.get('title', schema)!r} has no example")


def _object(schema: JsonSchema, definitions: JsonSchema) -> dict[str, Any]:
    required = schema.get("required", ())
    return {
        name: _example(part, definitions)
        for name, part in schema.get("properties", {}).items()
        # A constant, such as what tells the types of a union apart, has to be there for some readers.
        if name in required or "examples" in part or "const" in part
    }
