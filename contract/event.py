"""A life-cycle event: what is told of a task while it waits and runs, on a channel of its own."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from contract.fields import AnyErrorCode, Sender, absent
from contract.outcome import REQUEST_ID, TASK_ID, TASK_TYPE, USER_ID

#: What the contract's documents say of the other fields.
ATTEMPT = "Which attempt it is about, from 1; absent where none was begun."
DONE = "Of `progress`: how far the task has come, in whatever unit it counts."
TOTAL = "Of `progress`: how far it has to come, in the same unit."
MESSAGE = "Of `progress`: what the task says of it, where it says something; one line of at most 500 characters."
ERROR = "Of `retrying`, `error` and `cancelled`: one line for people, as in an outcome."
ERROR_CODE = "Of `retrying`, `error` and `cancelled`: one word for programs, as in an outcome."
NEXT_RUN_AT = "Of `retrying`, and of `accepted` with a delay: when the task is begun next, in ISO 8601 with offset."
DURATION_MS = "Of `completed` and `error`: how long the last attempt took, in ms."


class EventKind(StrEnum):
    """What happened to a task. More may be added: who does not know one ignores it."""

    ACCEPTED = "accepted"
    STARTED = "started"
    PROGRESS = "progress"
    RETRYING = "retrying"
    COMPLETED = "completed"
    ERROR = "error"
    CANCELLED = "cancelled"


class TaskEvent(BaseModel):
    """One event, as published on the events channel. A field without a value is left out; only `user_id` and
    `task_type` are always there, and are null where they could not be read."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    event: EventKind
    task_id: Annotated[str, Field(description=TASK_ID)]
    user_id: Annotated[str | int | None, Field(description=USER_ID)]
    task_type: Annotated[str | None, Field(description=TASK_TYPE)]
    timestamp: Annotated[str, Field(description="When it happened, in ISO 8601 with offset.")]
    request_id: Annotated[str | None, Field(exclude_if=absent, description=REQUEST_ID)] = None
    attempt: Annotated[int | None, Field(exclude_if=absent, description=ATTEMPT)] = None
    done: Annotated[float | None, Field(exclude_if=absent, description=DONE)] = None
    total: Annotated[float | None, Field(exclude_if=absent, description=TOTAL)] = None
    message: Annotated[str | None, Field(exclude_if=absent, description=MESSAGE)] = None
    error: Annotated[str | None, Field(exclude_if=absent, description=ERROR)] = None
    error_code: Annotated[AnyErrorCode | None, Field(exclude_if=absent, description=ERROR_CODE)] = None
    next_run_at: Annotated[str | None, Field(exclude_if=absent, description=NEXT_RUN_AT)] = None
    duration_ms: Annotated[float | None, Field(exclude_if=absent, description=DURATION_MS)] = None


def write_event(kind: EventKind, at: str, task_id: str, sender: Sender, **details: object) -> bytes:
    """An event as UTF-8 JSON, of `at`, in ISO 8601. `details` are the other fields of `TaskEvent` that it is to have.

    By itself, since the model takes three times as long, and three events are written for each request.
    """
    fields: dict[str, object] = {
        "event": str(kind),  # in a sixth of the time that pydantic takes for an enumeration
        "task_id": task_id,
        "user_id": sender.user_id,
        "task_type": sender.task_type,
        "timestamp": at,
    }
    if sender.request_id is not None:
        fields["request_id"] = sender.request_id
    return to_json(fields | details)
