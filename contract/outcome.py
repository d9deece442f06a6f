"""An outcome: the one answer to a request."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from contract.fields import ErrorCode, Sender, absent, timestamp
from contract.sentences import sentence
from errors import CallboardError


class TaskOutcome(BaseModel):
    """The one answer to a request, as published on the results channel. What is None here is absent there,
    but for `user_id` and `task_type`."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, ser_json_inf_nan="null")

    user_id: str | int | None
    task_type: str | None
    task_id: str
    status: Literal["completed", "error"]
    timestamp: str
    result: Annotated[dict[str, Any] | None, Field(exclude_if=absent)] = None
    error: Annotated[str | None, Field(exclude_if=absent)] = None
    error_code: Annotated[ErrorCode | None, Field(exclude_if=absent)] = None
    request_id: Annotated[str | None, Field(exclude_if=absent)] = None
    #: That of the request; where spans are recorded, that of the span in which the task ran.
    traceparent: Annotated[str | None, Field(exclude_if=absent)] = None
    attempts: Annotated[int | None, Field(exclude_if=absent)] = None
    duration_ms: Annotated[float | None, Field(exclude_if=absent)] = None
    #: Redis adds it, when the request comes again and gets the outcome that it had.
    replayed: Annotated[Literal[True] | None, Field(exclude_if=absent)] = None

    def to_wire(self) -> bytes:
        """The outcome as UTF-8 JSON."""
        return self.__pydantic_serializer__.to_json(self)


class RefusedRequestError(CallboardError):
    """A request is not taken on: it gets an error outcome with this code and this sentence."""

    def __init__(self, code: ErrorCode, sentence: str, sender: Sender, reply_to: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sender = sender
        self.reply_to = reply_to

    @property
    def outcome(self) -> TaskOutcome:
        """The outcome of a request that was refused before a task existed."""
        return TaskOutcome(
            **self.sender._asdict(),
            task_id="error",
            status="error",
            timestamp=timestamp(),
            error=sentence(str(self)),
            error_code=self.code,
        )
