"""The wire: what a request and an outcome are, which errors there are, and what each error says.

The one place that knows a field's name; knows neither Redis nor Dramatiq. Source: DESIGN.md, "The wire".
"""

import codecs
import json
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError, from_json, to_json

from errors import CallboardError

#: Dramatiq's own limit on how long a message may wait.
MAX_DELAY_MS = 7 * 24 * 3600 * 1000

#: An error is one readable sentence; whatever it quotes is cut so that it stays one.
MAX_SENTENCE_CHARACTERS = 500

#: What is left of the control characters once lines are joined; an error may be printed on somebody's terminal.
CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")

BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class ErrorCode(StrEnum):
    """Why a request has no result."""

    INVALID_JSON = "invalid_json"
    INVALID_REQUEST = "invalid_request"
    UNKNOWN_TASK = "unknown_task"
    INVALID_PARAMETERS = "invalid_parameters"
    TOO_LARGE = "too_large"
    OVERLOADED = "overloaded"
    EXPIRED = "expired"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    FAILED = "failed"


def _user_id(value: object) -> object:
    # `type(...) is int`, because a boolean is an int to Python and no user id.
    if (isinstance(value, str) and value) or (type(value) is int and value):
        return value
    raise PydanticCustomError("user_id", "should be a non-empty string or a non-zero integer")


TaskType = Annotated[str, Field(min_length=1)]
UserId = Annotated[str | int, BeforeValidator(_user_id)]
RequestId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,128}$")]
ReplyChannel = Annotated[str, Field(pattern=r"^[!-~]{1,200}$")]


class TaskRequest(BaseModel):
    """One request, as published on the tasks channel. An unknown field is ignored, so that clients may be newer."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    task_type: TaskType
    user_id: UserId
    parameters: dict[str, Any] = {}
    request_id: RequestId | None = None
    reply_to: ReplyChannel | None = None
    delay_ms: Annotated[int, Field(ge=0, le=MAX_DELAY_MS)] | None = None
    max_age_ms: Annotated[int, Field(ge=0)] | None = None

    @field_validator("parameters", mode="before")
    @classmethod
    def _no_parameters(cls, value: object) -> object:
        return {} if value is None else value

    @property
    def sender(self) -> "Sender":
        """What the outcome repeats of this request."""
        return Sender(self.user_id, self.task_type, self.request_id)


class Sender(NamedTuple):
    """What an outcome repeats of its request; None where it could not be read."""

    user_id: str | int | None = None
    task_type: str | None = None
    request_id: str | None = None


def _absent(value: object) -> bool:
    return value is None


class TaskOutcome(BaseModel):
    """The one answer to a request, as published on the results channel. What is None here is absent there,
    but for `user_id` and `task_type`."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="null")

    user_id: str | int | None
    task_type: str | None
    task_id: str
    status: Literal["completed", "error"]
    timestamp: str
    result: Annotated[dict[str, Any] | None, Field(exclude_if=_absent)] = None
    error: Annotated[str | None, Field(exclude_if=_absent)] = None
    error_code: Annotated[ErrorCode | None, Field(exclude_if=_absent)] = None
    request_id: Annotated[str | None, Field(exclude_if=_absent)] = None
    attempts: Annotated[int | None, Field(exclude_if=_absent)] = None
    duration_ms: Annotated[float | None, Field(exclude_if=_absent)] = None
    #: Redis adds it, when the request comes again and gets the outcome that it had.
    replayed: Annotated[Literal[True] | None, Field(exclude_if=_absent)] = None

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


def read_request(data: bytes) -> TaskRequest:
    """The request in a message of the tasks channel.

    Raises:
        RefusedRequestError: `invalid_json` when it cannot be read as JSON, or holds a number that JSON has not
            (NaN, Infinity, one too large for a float); `invalid_request` when it is JSON and no request.
    """
    try:
        content = from_json(data, allow_inf_nan=False)
    except ValueError as error:
        reason = "it begins with a byte order mark, send plain UTF-8" if data.startswith(BYTE_ORDER_MARKS) else error
        raise RefusedRequestError(ErrorCode.INVALID_JSON, f"Invalid JSON: {reason}", _guess_sender(data)) from None
    if not isinstance(content, dict):
        kind = {list: "array", str: "string", bool: "boolean", type(None): "null"}.get(type(content), "number")
        complaint = f"A request should be a JSON object, this is a JSON {kind}"
        raise RefusedRequestError(ErrorCode.INVALID_REQUEST, complaint, Sender())
    try:
        request = TaskRequest.model_validate(content)
    except ValidationError as error:
        complaint = _request_complaint(error.errors(include_url=False)[0])
        raise RefusedRequestError(ErrorCode.INVALID_REQUEST, complaint, _sender_in(content)) from None
    if not _is_finite(request.parameters):
        complaint = "Invalid JSON: a number in 'parameters' is too large"
        raise RefusedRequestError(ErrorCode.INVALID_JSON, complaint, request.sender)
    return request


def task_not_found(name: str) -> str:
    """The fixed sentence for a task type that nobody declared."""
    return f"Task type not found: {name}"


def parameters_complaint(error: ValidationError, parameters: Mapping[str, Any], required: Collection[str]) -> str:
    """What to say of parameters that a task's model refuses: `Missing 'text' parameter` for a required one that is
    absent, null or empty, else its name and what is accepted."""
    details = error.errors(include_url=False)[0]
    path = _path_in(parameters, details["loc"])
    name = ".".join(path)
    empty = name in required and details["input"] in (None, "", [], {})
    if details["type"] == "missing" or empty:
        return f"Missing '{name}' parameter"
    return f"Invalid '{name}' parameter: {_expected(details)}"


def sentence(text: str) -> str:
    """`text` as one line that fits an outcome: lone surrogates (UTF-8 has none) and control characters replaced, and
    cut if it is long."""
    line = " ".join(text[: 2 * MAX_SENTENCE_CHARACTERS].encode("utf-8", "replace").decode().splitlines())
    line = CONTROL_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", line.expandtabs(1).strip())
    return line if len(line) <= MAX_SENTENCE_CHARACTERS else line[: MAX_SENTENCE_CHARACTERS - 1] + "…"


def timestamp() -> str:
    """Now, in ISO 8601 with offset."""
    return datetime.now(UTC).isoformat()


def outcome_key(task_id: str) -> str:
    """The Redis key that holds the outcome of a task for `redis.outcome_ttl_s`."""
    return f"callboard:outcome:{task_id}"


def request_key(user_id: str | int, request_id: str) -> str:
    """The same by request: two users may use one `request_id`, and user 7 is not user "7", hence the JSON."""
    return f"callboard:outcome:{to_json(user_id).decode()}:{request_id}"


def claim_key(user_id: str | int, request_id: str) -> str:
    """The Redis key that says that this request was taken in; it holds the redis message id of its message."""
    return f"callboard:request:{to_json(user_id).decode()}:{request_id}"


def _request_complaint(details: ErrorDetails) -> str:
    name = details["loc"][0] if details["loc"] else ""
    if details["type"] == "missing":
        return f"Missing '{name}' field"
    return f"Invalid '{name}' field: {_expected(details)}"


def _path_in(value: Any, location: tuple[int | str, ...]) -> list[str]:
    """Where in the parameters an error is. pydantic puts names of types between, which only Python programs know."""
    path = []
    for part in location:
        if isinstance(value, dict) and (part in value or part == location[-1]):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int):
            # An element that is missing has a place too, behind the last one that is there.
            value = value[part] if part < len(value) else None
        else:
            continue
        path.append(str(part))
    return path


def _expected(details: ErrorDetails) -> str:
    return details["msg"].removeprefix("Value error, ").replace("dictionary", "object")


def _is_finite(parameters: dict[str, Any]) -> bool:
    """False when `1e999` was read as infinity. A pass of the C encoder, since a request may be 1 MiB of numbers."""
    encoded = to_json(parameters, inf_nan_mode="constants")
    if b"Infinity" not in encoded:
        return True
    try:
        from_json(encoded, allow_inf_nan=False)
    except ValueError:
        return False
    return True


def _guess_sender(data: bytes) -> Sender:
    """Whom to answer when strict JSON was refused: Python's reader lets NaN, surrogates, UTF-16 and more pass."""
    try:
        return _sender_in(json.loads(data, strict=False))
    except (ValueError, RecursionError):
        return Sender()


def _sender_in(content: object) -> Sender:
    if not isinstance(content, dict):
        return Sender()
    readable: dict[str, Any] = {}
    for name, field in _SENDER_FIELDS.items():
        with suppress(ValueError):
            value = field.validate_python(content.get(name), strict=True)
            to_json(value)  # refuses a lone surrogate, which no outcome could repeat
            readable[name] = value
    return Sender(**readable)


_SENDER_FIELDS: dict[str, TypeAdapter[Any]] = {
    "user_id": TypeAdapter(UserId),
    "task_type": TypeAdapter(TaskType),
    "request_id": TypeAdapter(RequestId),
}
