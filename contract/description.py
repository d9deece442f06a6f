"""A task as its catalogue describes it: what `callboard.tasks` answers with, and what the contract is made from."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

#: JSON Schema, draft 2020-12; what it refers to is in its own `$defs`.
JsonSchema = dict[str, Any]

#: What the contract's documents say of the fields.
NAME = "The `task_type` of its requests."
DESCRIPTION = "What it does, in the words of who wrote it; may be empty."
PARAMETERS = "The JSON schema of a request's `parameters`."
RESULT = "The JSON schema of the `result` of a completed outcome."
QUEUE_NAME = "The Dramatiq queue that its messages wait in."
MAX_ATTEMPTS = "How often it is tried at most, the first time included."
TIME_LIMIT_MS = "How long one attempt may take, in ms."

PARAMETERS_EXAMPLE = {"type": "object", "properties": {"text": {"type": "string"}}}


class TaskDescription(BaseModel):
    """One task, and what a request for it may hold."""

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, Field(description=NAME, examples=["reverse_string"])]
    description: Annotated[str, Field(description=DESCRIPTION, examples=["Reverses a text."])]
    parameters: Annotated[JsonSchema, Field(description=PARAMETERS, examples=[PARAMETERS_EXAMPLE])]
    result: Annotated[JsonSchema, Field(description=RESULT, examples=[{"type": "object"}])]
    queue_name: Annotated[str, Field(description=QUEUE_NAME, examples=["default"])]
    max_attempts: Annotated[int, Field(description=MAX_ATTEMPTS, examples=[4])]
    time_limit_ms: Annotated[int, Field(description=TIME_LIMIT_MS, examples=[60_000])]
