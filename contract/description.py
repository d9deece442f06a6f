"""A task as its catalogue describes it: what `callboard.tasks` answers with, and what the contract is made from."""

from typing import Any

from pydantic import BaseModel, ConfigDict

#: JSON Schema, draft 2020-12; what it refers to is in its own `$defs`.
JsonSchema = dict[str, Any]


class TaskDescription(BaseModel):
    """One task. `parameters` is the schema of a request's parameters, `result` that of a completed outcome's result."""

    model_config = ConfigDict(frozen=True)

    name: str
    description: str
    parameters: JsonSchema
    result: JsonSchema
    queue_name: str
    max_attempts: int
    time_limit_ms: int
