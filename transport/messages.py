"""A Dramatiq message on its way: what Callboard adds when it makes one, and what a worker keeps beside it."""

import os
import time
from collections.abc import Mapping
from typing import Any, NamedTuple, NotRequired, TypedDict
from uuid import uuid4

from dramatiq import Message, get_encoder
from dramatiq.broker import MessageProxy
from dramatiq.common import current_millis, dq_name
from dramatiq.errors import DecodeError
from dramatiq.middleware import CurrentMessage
from pydantic_core import to_json

from contract import ErrorCode, Sender, TaskOutcome, TaskRequest, timestamp
from transport.answers import Answer
from transport.bulletin import Bulletin

#: The message option that says whom to answer. A message of a plain `actor.send()` has none.
REPLY_OPTION = "callboard"

#: The message option that says since when it could have been performed, in Unix ms, if not since it was made.
WAITS_OPTION = "callboard_waits_since"

#: A message is looked for under the ids of so many attempts; that takes Redis 0.3 ms.
MOST_ATTEMPTS = 1_000

#: What is raised where a `Delivery` cannot be made of what is on a queue.
UNDECODABLE = (DecodeError, AttributeError, TypeError, UnicodeError)


class Reply(TypedDict):
    """The value of `REPLY_OPTION`."""

    user_id: str | int
    request_id: NotRequired[str]
    reply_to: NotRequired[str]
    traceparent: NotRequired[str]


def message_for(request: TaskRequest, queue_name: str, parameters: Mapping[str, Any]) -> Message[Any]:
    """The Dramatiq message that performs `request`, readable by any Dramatiq worker with such an actor."""
    reply: Reply = {"user_id": request.user_id}
    if request.request_id is not None:
        reply["request_id"] = request.request_id
    if request.reply_to is not None:
        reply["reply_to"] = request.reply_to
    if request.traceparent is not None:
        reply["traceparent"] = request.traceparent
    options: dict[str, Any] = {REPLY_OPTION: reply}
    if request.max_age_ms is not None:
        options["max_age"] = request.max_age_ms
    return Message(
        queue_name=queue_name,
        actor_name=request.task_type,
        args=(),
        kwargs=dict(parameters),
        options=options,
        message_id=_new_task_id(),
    )


def addressee(message: Message[Any] | MessageProxy) -> tuple[Sender, str | None]:
    """What the outcome of a message repeats of its request, and the channel that it goes to besides the results."""
    reply = _reply_of(message)
    sender = Sender(reply.get("user_id"), message.actor_name, reply.get("request_id"), reply.get("traceparent"))
    return sender, reply.get("reply_to")


class Envelope(NamedTuple):
    """A message that is ready to be enqueued."""

    message: Message[Any]
    delay_ms: int | None

    @property
    def due_at(self) -> str | None:
        """When it is due, in ISO 8601; None for at once."""
        due_ms = self.message.options.get("eta")
        return None if due_ms is None else timestamp(due_ms / 1000)

    def words(self) -> tuple[str, str, bytes, str, bytes]:
        """What the Lua scripts read of it: queue name, redis message id, message; and the lane in which it waits for
        its turn: task type, which is "" for a delayed one, as that waits for its time, and user as JSON."""
        message = self.message
        task_type = "" if self.delay_ms is not None else message.actor_name
        user = to_json(_reply_of(message).get("user_id"))
        return message.queue_name, message.options["redis_message_id"], _encode(message), task_type, user


def seal(message: Message[Any], delay_ms: int | None = None) -> Envelope:
    """Makes a message ready to be enqueued, as `RedisBroker.enqueue` does: gives it the redis message id of this
    attempt and, with a delay, the time when it is due. The message is changed, so it must be nobody else's."""
    is_request = REPLY_OPTION in message.options
    attempt = _attempt_of(message)
    message.options["redis_message_id"] = id_of_attempt(message.message_id, attempt) if is_request else str(uuid4())
    if delay_ms is None:
        return Envelope(message, None)
    message.options["eta"] = current_millis() + delay_ms
    return Envelope(message.copy(queue_name=dq_name(message.queue_name)), delay_ms)


def id_of_attempt(task_id: str, attempt: int) -> str:
    """The redis message id of a request's message, by which it is found on its queue when it is to be cancelled. Each
    attempt has its own: so the end of one attempt, sent again because Redis did not answer, does not end the next."""
    return task_id if attempt == 1 else f"{task_id}.{attempt}"


def ids_of_attempts(task_id: str, most: int = MOST_ATTEMPTS) -> list[str]:
    """Those of a request's first attempts, so many."""
    return [id_of_attempt(task_id, attempt) for attempt in range(1, min(most, MOST_ATTEMPTS) + 1)]


class Delivery(MessageProxy):
    """A message in a worker's hands, with the result of its task, and what follows when it ends: an answer, or a
    successor for another attempt."""

    def __init__(
        self, message: Message[Any], redis_message_id: str, *, data: bytes | None = None, is_suspect: bool = False
    ) -> None:
        super().__init__(message)
        # It should hold classes of exceptions, which JSON has no way to write. With anything else there, Dramatiq's
        # thread would end when the task fails.
        message.options.pop("throws", None)
        # The proxy's own look-up of the message's attributes runs in Python every time.
        vars(self).update(vars(message))
        # The message as it was fetched.
        self._data = data
        # The one it was fetched by; a retry puts another one into the message's options.
        self.redis_message_id = redis_message_id
        #: Whether a worker has died with it in its hands.
        self.is_suspect = is_suspect
        self.sender, self.reply_to = addressee(message)
        _check(message, self.sender, self.reply_to)
        self.attempt = _attempt_of(message)
        #: By `time.perf_counter`, as `started_s`.
        self.fetched_s = time.perf_counter()
        self.bulletin = Bulletin(message.message_id, self.sender, self.attempt)
        self.started_s: float | None = None
        self.result: dict[str, Any] | None = None
        #: Why it ends without another attempt, where neither its task nor Dramatiq says so.
        self.verdict: tuple[ErrorCode, str] | None = None
        self.outcome: TaskOutcome | None = None
        self.answer: Answer | None = None
        self.successor: Envelope | None = None
        #: What `tracing` keeps of it.
        self.trace: Any = None
        self._original: Delivery | None = None

    def copy(self, **attributes: Any) -> "Delivery":
        """A copy to be enqueued instead of this one: so Dramatiq moves a delayed message that is due."""
        copied = Delivery(self._message.copy(**attributes), self.redis_message_id)
        copied._original = self
        return copied

    def follow_with(self, delay_ms: int | None) -> Envelope:
        """Has this message enqueued again, in the step that ends the delivery."""
        waits_since = {WAITS_OPTION: current_millis() + (delay_ms or 0)}
        envelope = seal(self._as_it_came().copy(options=waits_since), delay_ms)
        (self._original or self).successor = envelope
        return envelope

    def encode(self) -> bytes:
        """The message as UTF-8 JSON, its parameters as they came."""
        return bytes(self._as_it_came().encode())

    def _as_it_came(self) -> Message[Any]:
        # Its task may have put anything into the lists and objects among the parameters.
        if self._data is None:
            return self._message
        came: Message[Any] = Message.decode(self._data)
        return self._message.copy(args=came.args, kwargs=came.kwargs)

    @classmethod
    def current(cls) -> "Delivery":
        """The delivery that the calling task runs for.

        Raises:
            TypeError: outside of a worker.
        """
        message = CurrentMessage.get_current_message()
        if not isinstance(message, cls):
            raise TypeError("no task is running here: an actor runs in a worker, call the task itself instead")
        return message

    @property
    def marks(self) -> dict[str, str]:
        """What a log entry about it is marked with."""
        ids = {"task_id": self.message_id, "request_id": self.sender.request_id}
        return {name: value for name, value in ids.items() if value is not None}

    @property
    def duration_ms(self) -> float | None:
        """How long this attempt has run; None when it never started."""
        return None if self.started_s is None else round((time.perf_counter() - self.started_s) * 1000, 3)


def _reply_of(message: Message[Any] | MessageProxy) -> Mapping[str, Any]:
    reply = message.options.get(REPLY_OPTION)
    return reply if isinstance(reply, dict) else {}


def _new_task_id() -> str:
    """A random UUID, version 4; in half the time that `uuid.uuid4` takes."""
    random = bytearray(os.urandom(16))
    random[6] = random[6] & 0x0F | 0x40
    random[8] = random[8] & 0x3F | 0x80
    digits = random.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _encode(message: Message[Any]) -> bytes:
    # Like `Message.encode`, which spends time on looking for the fields of its class.
    return get_encoder().encode(vars(message))


def _attempt_of(message: Message[Any]) -> int:
    retries = message.options.get("retries")
    # A foreign program may have put anything there.
    return retries + 1 if type(retries) is int else 1


def _check(message: Message[Any], sender: Sender, reply_to: object) -> None:
    """Raises one of `UNDECODABLE` when no answer could be made: anybody may have put the message on the queue."""
    optional = [text for text in (reply_to, sender.request_id, sender.traceparent) if text is not None]
    user_id = str(sender.user_id) if type(sender.user_id) in (int, type(None)) else sender.user_id
    for text in (message.queue_name, message.message_id, message.actor_name, user_id, *optional):
        if not isinstance(text, str):
            raise TypeError(f"{text!r:.100} is no text")
        text.encode()
