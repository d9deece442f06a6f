"""A request as a client composes it: the task's parameters, and beside them the options."""

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any, NamedTuple, TypedDict
from uuid import UUID, uuid4

from pydantic_core import PydanticSerializationError, to_json

from client.errors import OptionError, TaskError
from contract import ErrorCode, RefusedRequestError, Sender, read_request

#: Whose request it is and its request id: what an outcome and an event are known by.
Key = tuple[str | int, str]

#: Who asks, when a program does not say.
USER_ID = "python"

#: How long an outcome is waited for, when a program does not say.
TIMEOUT_S = 60.0


class RequestOptions(TypedDict, total=False):
    """What a request has beside its parameters. An option that is None has its default, as if it were not given.

    Attributes:
        user_id: whose request it is; "python" where it is not given.
        request_id: makes the request one that may be sent again without being performed again. By default a new one
            for each request; whoever gives one gives it to a single request.
        delay_ms: run no sooner than this.
        max_age_ms: end with `expired` when not started by then.
        timeout_s: how long `call`, `result` and `events` wait, in seconds, unless they are told; 60 by default.
        durable: goes by the stream, where it waits for an ingress that is not there yet. Needs the right to XADD.
        events: hear the request's events from the first one on.
    """

    user_id: str | int | UUID | None
    request_id: str | UUID | None
    delay_ms: int | None
    max_age_ms: int | None
    timeout_s: float | None
    durable: bool | None
    events: bool | None


class Options(NamedTuple):
    """`RequestOptions`, each of them with a value."""

    user_id: str | int | UUID = USER_ID
    request_id: str | UUID | None = None
    delay_ms: int | None = None
    max_age_ms: int | None = None
    timeout_s: float = TIMEOUT_S
    durable: bool = False
    events: bool = False


DEFAULTS = Options()


class RequestName(TypedDict, total=False):
    """What a request is known by: one of the two."""

    request_id: str | UUID | None
    task_id: str | UUID | None


class Composed(NamedTuple):
    """A request, ready to be sent."""

    key: Key
    data: bytes
    #: Whether the program has given the request id: one with the same may have been sent before.
    is_named: bool


def merge(options: Options, changes: RequestOptions) -> Options:
    """`options`, with those of `changes` in their places.

    Raises:
        OptionError: when there is no such option, or `timeout_s`, `durable` or `events` cannot have that value. The
            others are judged with the request, as an ingress judges them.
    """
    if unknown := changes.keys() - set(Options._fields):
        accepted = ", ".join(Options._fields)
        raise OptionError(f"{', '.join(sorted(unknown))} is no option of a request; there are {accepted}")
    given: dict[str, Any] = {
        name: getattr(DEFAULTS, name) if value is None else value for name, value in changes.items()
    }
    for name in ("durable", "events"):
        if not isinstance(given.get(name, False), bool):
            raise OptionError(f"the option {name} is {given[name]!r}; it should be True or False")
    merged = options._replace(**given)
    return merged._replace(timeout_s=seconds(merged.timeout_s, TIMEOUT_S))


def seconds(timeout_s: float | None, default_s: float) -> float:
    """How long is waited: `default_s` for None.

    Raises:
        OptionError: when it is no number of seconds.
    """
    if timeout_s is None:
        return default_s
    try:
        is_time = isinstance(timeout_s, Real) and not isinstance(timeout_s, bool) and not math.isnan(timeout_s)
    except OverflowError:
        # Not what it is: Python writes no integer of more than 4,300 digits.
        raise OptionError(
            "timeout_s is more than a float holds; it should be a number of seconds, math.inf to wait without end"
        ) from None
    if not is_time:
        raise OptionError(f"timeout_s is {timeout_s!r}; it should be a number of seconds, math.inf to wait without end")
    return timeout_s


def compose(task_type: str, parameters: Mapping[str, Any], options: Options, reply_to: str | None) -> Composed:
    """The request as it is sent, with a new request id where the options have none.

    Raises:
        TaskError: when it is none: `invalid_request`, as an ingress would say, or `invalid_json`; `invalid_parameters`
            when a parameter cannot be written as JSON.
    """
    request_id = uuid4() if options.request_id is None else options.request_id
    fields: dict[str, Any] = {"task_type": task_type, "user_id": options.user_id, "request_id": request_id}
    optional = {"delay_ms": options.delay_ms, "max_age_ms": options.max_age_ms, "reply_to": reply_to}
    fields |= {name: value for name, value in optional.items() if value is not None}
    try:
        # The parameters last: of a request that is too large only the beginning is read, to know whom to tell.
        data = to_json(fields | {"parameters": parameters}, inf_nan_mode="constants")
        # Judged as the ingress does, so that what is wrong is known before anything is sent.
        request = read_request(data)
    except (PydanticSerializationError, RefusedRequestError) as error:
        raise TaskError(_refusal(error, fields, parameters).outcome) from None
    assert request.request_id is not None  # noqa: S101
    # As it was read: a UUID is a string in the outcome.
    return Composed((request.user_id, request.request_id), data, options.request_id is not None)


def _refusal(error: Exception, fields: Mapping[str, Any], parameters: Mapping[str, Any]) -> RefusedRequestError:
    """Why this is no request. What JSON has no word for is named: who reads the JSON knows the column only."""
    if isinstance(error, RefusedRequestError) and error.code is not ErrorCode.INVALID_JSON:
        return error
    for name, value in fields.items():
        if reason := _why_no_json(value):
            return RefusedRequestError(ErrorCode.INVALID_REQUEST, f"Invalid {name!r} field: {reason}", Sender())
    sender = Sender(task_type=fields["task_type"] if isinstance(fields["task_type"], str) else None)
    for name, value in parameters.items():
        if reason := _why_no_json(value):
            complaint = f"Invalid {name!r} parameter: {reason}"
            return RefusedRequestError(ErrorCode.INVALID_PARAMETERS, complaint, sender)
    if isinstance(error, RefusedRequestError):
        return error
    return RefusedRequestError(ErrorCode.INVALID_PARAMETERS, f"They cannot be written as JSON: {error}", sender)


def _why_no_json(value: object) -> str | None:
    try:
        if to_json(value, inf_nan_mode="constants") != to_json(value, inf_nan_mode="null"):
            return "JSON has no NaN and no infinity, send a finite number or None"
    except PydanticSerializationError as error:
        return f"it cannot be written as JSON: {error}"
    return None
