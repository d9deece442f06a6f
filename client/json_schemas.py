"""The JSON schemas of what goes over the wire: generated from the contract's models and the catalogue of tasks."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from pydantic import BaseModel

from contract import ControlMessage, JsonSchema, TaskDescription, TaskEvent, TaskOutcome, TaskRequest

DIALECT = "https://json-schema.org/draft/2020-12/schema"

#: What an outcome has only when there is a result, and only when there is none.
OF_SUCCESS = {"result"}
OF_FAILURE = {"error", "error_code"}


def request_schema(task: TaskDescription) -> JsonSchema:
    """A request for this task."""
    schema = TaskRequest.model_json_schema()
    properties = schema["properties"]
    properties["task_type"] = {"const": task.name}
    if task.parameters.get("required"):
        schema["required"] = [*schema["required"], "parameters"]
        properties["parameters"] = _embedded(task.parameters)
    else:
        properties["parameters"] = {"anyOf": [_embedded(task.parameters), {"type": "null"}], "default": {}}
    return schema | {"title": f"{task.name}: request"} | _definitions(task.parameters)


def completed_schema(task: TaskDescription) -> JsonSchema:
    """The outcome of a request for this task that was performed."""
    schema = _published(TaskOutcome, without=OF_FAILURE)
    del schema["$defs"]  # of the error codes; the task's own take their place
    schema["properties"] |= {
        "task_type": {"const": task.name},
        "status": {"const": "completed"},
        "result": _embedded(task.result),
    }
    schema["required"] = [*schema["required"], "result"]
    return schema | {"title": f"{task.name}: completed"} | _definitions(task.result)


def error_schema() -> JsonSchema:
    """The outcome of a request that has no result, whatever its task."""
    schema = _published(TaskOutcome, without=OF_SUCCESS)
    schema["properties"]["status"] = {"const": "error"}
    schema["required"] = [*schema["required"], *sorted(OF_FAILURE)]
    return schema | {"title": "error"}


def event_schema() -> JsonSchema:
    """A life-cycle event."""
    return _published(TaskEvent)


def control_schema() -> JsonSchema:
    """A control message."""
    return ControlMessage.model_json_schema()


def all_schemas(tasks: Sequence[TaskDescription], place: Callable[[str], str]) -> dict[str, JsonSchema]:
    """Every schema by its name; `place` says where in the document each of them will be, as in `#/$defs/NAME`."""
    schemas = {"error": error_schema(), "event": event_schema(), "control": control_schema()}
    for task in tasks:
        schemas[request_name(task)] = request_schema(task)
        schemas[completed_name(task)] = completed_schema(task)
    return {name: moved(schema, place(name)) for name, schema in schemas.items()}


def json_schemas(tasks: Sequence[TaskDescription]) -> JsonSchema:
    """One JSON Schema document: each kind of message is a definition in it."""
    return {"$schema": DIALECT, "title": "Callboard", "$defs": all_schemas(tasks, lambda name: f"#/$defs/{name}")}


def request_name(task: TaskDescription) -> str:
    """What the schema and the message of a task's request are called."""
    return f"{key(task.name)}.request"


def completed_name(task: TaskDescription) -> str:
    """The same of its completed outcome."""
    return f"{key(task.name)}.completed"


def key(name: str) -> str:
    """A task's name as a key of the documents, which may hold letters, digits and `._-` only: the code point of every
    other character stands between two hyphens."""
    return "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "._-") else f"-{ord(letter):x}-"
        for letter in name
    )


def moved(schema: Any, place: str) -> Any:
    """A schema whose references to its own `$defs` hold when it stands at `place` of a larger document.

    Without pydantic's `discriminator` of a union, which is OpenAPI's, means a name in AsyncAPI, and adds nothing to
    the `oneOf` beside it.
    """
    if isinstance(schema, list):
        return [moved(one, place) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        word: place + value[1:] if word == "$ref" and isinstance(value, str) else moved(value, place)
        for word, value in schema.items()
        if not (word == "discriminator" and isinstance(value, dict) and "propertyName" in value)
    }


def _published(model: type[BaseModel], without: Collection[str] = ()) -> JsonSchema:
    """The schema of what Callboard publishes: a field that is None is not there, and never null."""
    schema = model.model_json_schema(mode="serialization")
    schema["properties"] = {
        name: field if name in schema["required"] else _present(field)
        for name, field in schema["properties"].items()
        if name not in without
    }
    return schema


def _present(field: JsonSchema) -> JsonSchema:
    kind: JsonSchema = next(one for one in field["anyOf"] if one != {"type": "null"})
    return {word: value for word, value in field.items() if word not in ("anyOf", "default")} | kind


def _embedded(schema: JsonSchema) -> JsonSchema:
    return {word: value for word, value in schema.items() if word != "$defs"}


def _definitions(schema: JsonSchema) -> JsonSchema:
    return {"$defs": schema["$defs"]} if "$defs" in schema else {}
