"""The kinds of values that requests, outcomes, events and cancellations have in common."""

import re
import time
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError


class ErrorCode(StrEnum):
    """Why a request has no result. More may be added: who does not know one takes it for `failed`."""

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


def _traceparent(value: object) -> str | None:
    return value if isinstance(value, str) and TRACEPARENT.fullmatch(value) else None


_IDS = "(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
#: Source: W3C Trace Context. Versions after 00 begin like it; ff is none, and so are ids of zeros.
TRACEPARENT = re.compile(f"00-{_IDS}|(?!00|ff)[0-9a-f]{{2}}-{_IDS}(?:-[!-~]{{0,100}})?")

USER_ID_SCHEMA = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer", "not": {"const": 0}}]}
TRACEPARENT_SCHEMA = {
    "type": ["string", "null"],
    "description": "W3C Trace Context; anything that is none is ignored, and the request taken as it is.",
    "examples": ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
}

#: As it is read: a newer Callboard may have words that this one does not know.
AnyErrorCode = Annotated[ErrorCode | str, Field(union_mode="left_to_right")]
TaskType = Annotated[str, Field(min_length=1)]
UserId = Annotated[str | int, BeforeValidator(_user_id), WithJsonSchema(USER_ID_SCHEMA)]
RequestId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,128}$")]
#: The id of a Dramatiq message: a UUID, unless a program of its own has enqueued it.
TaskId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,128}$")]
ReplyChannel = Annotated[str, Field(pattern=r"^[!-~]{1,200}$")]

#: Never refused, since it is not about the request: what is malformed is None.
TraceParent = Annotated[str | None, BeforeValidator(_traceparent), WithJsonSchema(TRACEPARENT_SCHEMA)]


class Sender(NamedTuple):
    """What an outcome repeats of its request; None where it could not be read."""

    user_id: str | int | None = None
    task_type: str | None = None
    request_id: str | None = None
    traceparent: str | None = None


def timestamp(unix_s: float | None = None) -> str:
    """Now, or that time, in ISO 8601 with offset."""
    unix_us = int((time.time() if unix_s is None else unix_s) * 1_000_000)
    return f"{_date_and_time(unix_us // 1_000_000)}.{unix_us % 1_000_000:06d}+00:00"


# Several times a request, mostly within the same second.
@lru_cache(maxsize=16)
def _date_and_time(unix_s: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(unix_s))


def absent(value: object) -> bool:
    """For `exclude_if`: a field that is None is not on the wire at all."""
    return value is None
