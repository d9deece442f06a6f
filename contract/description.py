"""A task as its catalogue describes it: what `callboard.tasks` answers with, and what the contract is made from."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

#: JSON Schema, draft 2020-12; what it refers to is in its own `$defs`.
JsonSchema = dict[str, Any]


class TaskDescription(BaseModel):
    """One task. `parameters` is the schema of a request's parameters, `result` that of a completed outcome's result."""

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, Field(examples=["reverse_string"])]
    description: Annotated[str, Field(examples=["Reverses a text."])]
    parameters: Annotated[JsonSchema, Field(examples=[{"type": "object", "properties": {"text": {"type": "string"}}}])]
    result: Annotated[JsonSchema, Field(examples=[{"type": "object"}])]
    queue_name: Annotated[str, Field(examples=["default"])]
    max_attempts: Annotated[int, Field(examples=[4])]
    time_limit_ms: Annotated[int, Field(examples=[60_000])]
