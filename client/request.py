"""A request as a client composes it: the task's parameters, and beside them the options."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypedDict
from uuid import uuid4

from pydantic_core import PydanticSerializationError, to_json

from client.errors import TaskError
from contract import ErrorCode, RefusedRequestError, Sender, read_request

#: Whose request it is and its request id: what an outcome and an event are known by.
Key = tuple[str | int, str]

#: Who asks, when a program does not say.
USER_ID = "python"

#: How long an outcome is waited for, when a program does not say.
TIMEOUT_S = 60.0


class RequestOptions(TypedDict, total=False):
    """What a request has beside its parameters.

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

    user_id: str | int
    request_id: str
    delay_ms: int
    max_age_ms: int
    timeout_s: float
    durable: bool
    events: bool


class RequestName(TypedDict, total=False):
    """What a request is known by: one of the two."""

    request_id: str
    task_id: str


#: Those that are fields of the request.
FIELDS = ("user_id", "request_id", "delay_ms", "max_age_ms")


class Composed(NamedTuple):
    """A request, ready to be sent."""

    key: Key
    data: bytes


def merge(options: RequestOptions, changes: RequestOptions) -> RequestOptions:
    """`options`, with those of `changes` in their places.

    Raises:
        TypeError: when there is no such option.
    """
    if unknown := changes.keys() - RequestOptions.__annotations__.keys():
        accepted = ", ".join(RequestOptions.__annotations__)
        raise TypeError(f"{', '.join(sorted(unknown))} is no option of a request; there are {accepted}")
    return {**options, **changes}


def compose(task_type: str, parameters: Mapping[str, Any], options: RequestOptions, reply_to: str | None) -> Composed:
    """The request as it is sent, with a new request id where the options have none.

    Raises:
        TaskError: when it is none: `invalid_request`, as an ingress would say, or `invalid_json`; `invalid_parameters`
            when a parameter cannot be written as JSON.
    """
    given = {name: value for name, value in options.items() if name in FIELDS}
    fields: dict[str, Any] = {"task_type": task_type, "user_id": USER_ID, "request_id": str(uuid4())} | given
    # The parameters last: of a request that is too large only the beginning is read, to know whom to tell.
    fields |= ({"reply_to": reply_to} if reply_to else {}) | {"parameters": parameters}
    try:
        data = to_json(fields, inf_nan_mode="constants")
        # Judged as the ingress does, so that what is wrong is known before anything is sent.
        read_request(data)
    except PydanticSerializationError as error:
        sender = Sender(task_type=task_type)
        refusal = RefusedRequestError(ErrorCode.INVALID_PARAMETERS, f"They cannot be written as JSON: {error}", sender)
        raise TaskError(refusal.outcome) from None
    except RefusedRequestError as refusal:
        raise TaskError(refusal.outcome) from None
    return Composed((fields["user_id"], fields["request_id"]), data)
