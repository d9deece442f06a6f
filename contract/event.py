"""A life-cycle event: what is told of a task while it waits and runs, on a channel of its own."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contract.fields import ErrorCode, absent


class EventKind(StrEnum):
    """What happened to a task."""

    ACCEPTED = "accepted"
    STARTED = "started"
    PROGRESS = "progress"
    RETRYING = "retrying"
    COMPLETED = "completed"
    ERROR = "error"
    CANCELLED = "cancelled"


class TaskEvent(BaseModel):
    """One event, as published on the events channel. What is None here is absent there, but for `user_id` and
    `task_type`."""

    model_config = ConfigDict(frozen=True)

    event: EventKind
    task_id: str
    user_id: str | int | None
    task_type: str | None
    timestamp: str
    request_id: Annotated[str | None, Field(exclude_if=absent)] = None
    #: Counts from 1; absent before the task was begun for the first time.
    attempt: Annotated[int | None, Field(exclude_if=absent)] = None
    #: Of `progress`.
    done: Annotated[float | None, Field(exclude_if=absent)] = None
    total: Annotated[float | None, Field(exclude_if=absent)] = None
    message: Annotated[str | None, Field(exclude_if=absent)] = None
    #: Of `retrying`, `error` and `cancelled`: one sentence, as in an outcome.
    error: Annotated[str | None, Field(exclude_if=absent)] = None
    error_code: Annotated[ErrorCode | None, Field(exclude_if=absent)] = None
    #: Of `retrying`, and of `accepted` with a delay: when the task is begun next, in ISO 8601 with offset.
    next_run_at: Annotated[str | None, Field(exclude_if=absent)] = None
    #: Of `completed` and `error`: how long the last attempt ran.
    duration_ms: Annotated[float | None, Field(exclude_if=absent)] = None

    def to_wire(self) -> bytes:
        """The event as UTF-8 JSON."""
        return self.__pydantic_serializer__.to_json(self)
