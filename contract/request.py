"""A request: what it is, and what is said of one that cannot be read."""

import codecs
import json
from contextlib import suppress
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator
from pydantic_core import from_json, to_json

from contract.fields import ErrorCode, ReplyChannel, RequestId, Sender, TaskType, TraceParent, UserId
from contract.outcome import RefusedRequestError
from contract.sentences import request_complaint

#: Dramatiq's own limit on how long a message may wait.
MAX_DELAY_MS = 7 * 24 * 3600 * 1000

#: What the contract's documents say of the fields.
USER_ID = "Whose request it is. Comes back in the outcome and the events with the same JSON type; nothing proves it."
REQUEST_ID = (
    "Comes back in the outcome and the events, and makes the request idempotent: sent again by the same user within "
    "`redis.request_id_ttl_s`, it is not performed again and gets the same outcome. Use a UUID."
)
REPLY_TO = (
    "The outcome is published on this channel as well as on the results channel. It has to match a pattern of "
    "`limits.reply_to`."
)
DELAY_MS = "The task is begun no sooner than so many ms after the request was taken in."
MAX_AGE_MS = "The request ends with `expired` when its task was not begun within so many ms after it was taken in."

#: How much of a request is read that is too large to be read.
HEAD_BYTES = 4096

#: What some writers of JSON write, and readers of it read, though it is none.
NO_JSON = (b"NaN", b"Infinity")

#: Up to this size it takes less time to look for these than to read a request in two steps.
SMALL_BYTES = 1024

BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class TaskRequest(BaseModel):
    """One request, as published on the tasks channel. An unknown field is ignored, so that clients may be newer."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    task_type: TaskType
    user_id: Annotated[UserId, Field(description=USER_ID)]
    parameters: dict[str, Any] = {}
    request_id: Annotated[RequestId | None, Field(description=REQUEST_ID)] = None
    reply_to: Annotated[ReplyChannel | None, Field(description=REPLY_TO)] = None
    delay_ms: Annotated[Annotated[int, Field(ge=0, le=MAX_DELAY_MS)] | None, Field(description=DELAY_MS)] = None
    max_age_ms: Annotated[Annotated[int, Field(ge=0)] | None, Field(description=MAX_AGE_MS)] = None
    traceparent: TraceParent = None

    @field_validator("parameters", mode="before", json_schema_input_type=dict[str, Any] | None)
    @classmethod
    def _no_parameters(cls, value: object) -> object:
        return {} if value is None else value

    @property
    def sender(self) -> Sender:
        """What the outcome repeats of this request."""
        return Sender(self.user_id, self.task_type, self.request_id, self.traceparent)


def read_request(data: bytes) -> TaskRequest:
    """The request in a message of the tasks channel.

    Raises:
        RefusedRequestError: `invalid_json` when it cannot be read as JSON, or holds a number that JSON has not
            (NaN, Infinity, one too large for a float); `invalid_request` when it is JSON and no request.
    """
    request = _read(data)
    if not _is_finite(request.parameters):
        complaint = "Invalid JSON: a number in 'parameters' is too large"
        raise RefusedRequestError(ErrorCode.INVALID_JSON, complaint, request.sender, request.reply_to)
    return request


def _read(data: bytes) -> TaskRequest:
    # In one step, which takes half the time. One that fails is read again, in two, to tell why. In a large one the
    # search alone takes ten times as long as both steps.
    if len(data) <= SMALL_BYTES and not any(constant in data for constant in NO_JSON):
        with suppress(ValidationError):
            request: TaskRequest = TaskRequest.__pydantic_validator__.validate_json(data)
            return request
    try:
        content = from_json(data, allow_inf_nan=False)
    except ValueError as error:
        complaint = f"Invalid JSON: {_reason(data, error)}"
        raise RefusedRequestError(ErrorCode.INVALID_JSON, complaint, *_guess_whom(data)) from None
    if not isinstance(content, dict):
        kind = {list: "array", str: "string", bool: "boolean", type(None): "null"}.get(type(content), "number")
        complaint = f"A request should be a JSON object, this is a JSON {kind}"
        raise RefusedRequestError(ErrorCode.INVALID_REQUEST, complaint, Sender())
    try:
        return TaskRequest.model_validate(content)
    except ValidationError as error:
        complaint = request_complaint(error.errors(include_url=False)[0])
        raise RefusedRequestError(ErrorCode.INVALID_REQUEST, complaint, *_whom_in(content)) from None


def whom_to_answer(data: bytes) -> tuple[Sender, str | None]:
    """The sender and the channel for the answer of a request that is too large: what its first `HEAD_BYTES` tell."""
    # Digits at the end may be those of half a number, which would be another user's.
    head = data[:HEAD_BYTES].rstrip(b"0123456789")
    try:
        return _whom_in(from_json(head, allow_partial=True))
    except ValueError:
        return Sender(), None


def _reason(data: bytes, error: ValueError) -> str:
    if not data:
        return "it is empty; on the stream a request stands in the field 'request' of its entry"
    if data.startswith(BYTE_ORDER_MARKS):
        return "it begins with a byte order mark, send plain UTF-8"
    return str(error)


def _is_finite(parameters: dict[str, Any]) -> bool:
    """False when `1e999` was read as infinity. A pass of the C encoder, since a request may be 1 MiB of numbers."""
    encoded = to_json(parameters, inf_nan_mode="constants")
    # Of 64 kB, one letter is looked for in 1 us, the word in 24.
    if b"I" not in encoded:
        return True
    try:
        from_json(encoded, allow_inf_nan=False)
    except ValueError:
        return False
    return True


def _guess_whom(data: bytes) -> tuple[Sender, str | None]:
    """Whom to answer when strict JSON was refused: Python's reader lets NaN, surrogates, UTF-16 and more pass."""
    try:
        return _whom_in(json.loads(data, strict=False))
    except (ValueError, RecursionError):
        return Sender(), None


def _whom_in(content: object) -> tuple[Sender, str | None]:
    """The sender of what is no request, and the channel that it is answered on: as much of that as can be read."""
    if not isinstance(content, dict):
        return Sender(), None
    readable: dict[str, Any] = {}
    for name, field in _FIELDS_OF_ANSWERS.items():
        with suppress(ValueError):
            value = field.validate_python(content.get(name), strict=True)
            to_json(value)  # refuses a lone surrogate, which no outcome could repeat
            readable[name] = value
    reply_to = readable.pop("reply_to", None)
    return Sender(**readable), reply_to


_FIELDS_OF_ANSWERS: dict[str, TypeAdapter[Any]] = {
    "user_id": TypeAdapter(UserId),
    "task_type": TypeAdapter(TaskType),
    "request_id": TypeAdapter(RequestId),
    "traceparent": TypeAdapter(TraceParent),
    "reply_to": TypeAdapter(ReplyChannel),
}
