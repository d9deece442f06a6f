"""An outcome: the one answer to a request."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract.fields import AnyErrorCode, ErrorCode, Sender, absent, timestamp
from contract.sentences import sentence
from errors import CallboardError

#: What the contract's documents say of the fields.
USER_ID = "That of the request, with the same JSON type; null where it could not be read."
TASK_TYPE = "That of the request; null where it could not be read."
TASK_ID = 'The id of the task; "error" where the request was refused before there was one.'
ERROR = "One line for people, of at most 500 characters."
ERROR_CODE = "One word for programs: why there is no result."
REQUEST_ID = "That of the request, where it had one and it could be read."
TRACEPARENT = "That of the request; where spans are recorded, that of the span in which the task ran."
ATTEMPTS = "How often the task was begun, the last time included; absent where it never was, or was cancelled."
DURATION_MS = "How long the last attempt took, in ms; absent where there was none, or the task was cancelled."
REPLAYED = "There, and true, where the request was sent before under its `request_id`: this is the outcome it had."


class TaskOutcome(BaseModel):
    """The one answer to a request, as published on the results channel. A field without a value is left out; only
    `user_id` and `task_type` are always there, and are null where they could not be read."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, ser_json_inf_nan="null")

    user_id: Annotated[str | int | None, Field(description=USER_ID)]
    task_type: Annotated[str | None, Field(description=TASK_TYPE)]
    task_id: Annotated[str, Field(description=TASK_ID)]
    status: Literal["completed", "error"]
    timestamp: Annotated[str, Field(description="When it was made, in ISO 8601 with offset.")]
    result: Annotated[dict[str, Any] | None, Field(exclude_if=absent)] = None
    error: Annotated[str | None, Field(exclude_if=absent, description=ERROR)] = None
    error_code: Annotated[AnyErrorCode | None, Field(exclude_if=absent, description=ERROR_CODE)] = None
    request_id: Annotated[str | None, Field(exclude_if=absent, description=REQUEST_ID)] = None
    traceparent: Annotated[str | None, Field(exclude_if=absent, description=TRACEPARENT)] = None
    attempts: Annotated[int | None, Field(exclude_if=absent, description=ATTEMPTS)] = None
    duration_ms: Annotated[float | None, Field(exclude_if=absent, description=DURATION_MS)] = None
    #: Redis adds it.
    replayed: Annotated[Literal[True] | None, Field(exclude_if=absent, description=REPLAYED)] = None

    def to_wire(self) -> bytes:
        """The outcome as UTF-8 JSON."""
        return self.__pydantic_serializer__.to_json(self)


def read_outcome(data: bytes) -> TaskOutcome | None:
    """The outcome in UTF-8 JSON; None where that is something else, as anybody may write to a channel or a key."""
    try:
        return TaskOutcome.model_validate_json(data)
    except ValidationError:
        return None


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
