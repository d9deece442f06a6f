"""The path of a request from its bytes to the bytes of its outcome, without Redis, and what must be true of it."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from dramatiq import Message
from dramatiq.middleware import CurrentMessage

from broker import broker
from contract import RefusedRequestError, Sender
from ingress.crowd import Crowd
from ingress.gate import Gate
from setting_sections import Limits
from task import Task
from tests.samples import assert_in_order, strict_json
from transport.answers import Answer, Answers
from transport.messages import REPLY_OPTION, Delivery, Envelope
from transport.outcomes import Outcomes

#: What would end a line or steer a terminal.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

REPEATED = re.compile(rb"([\xfd\xfe])(.)(.)", re.DOTALL)

_answers = Answers("results", outcome_ttl_s=60, request_id_ttl_s=60)
_outcomes = Outcomes(_answers, Limits().outcome_bytes)
_current = CurrentMessage()


class Passage(NamedTuple):
    """What became of a request: refused, or enqueued and performed; answered in any case."""

    answer: Answer
    refused: RefusedRequestError | None = None
    envelope: Envelope | None = None
    delivery: Delivery | None = None


class RequestPath:
    """The look for crowds, the gate, the queue's encoder, the worker's side of a task and the composing of outcomes, in
    this order."""

    def __init__(self, tasks: Mapping[str, Task[..., Any]]) -> None:
        self._tasks = tasks
        self._limits = Limits()
        self._gate = Gate(tasks, self._limits)
        # One for all: most inputs are of the same users, who become crowds.
        self._crowd = Crowd()
        self.endings: Counter[str] = Counter()

    def take(self, data: bytes) -> Passage:
        """Callboard's own work on a request, with nothing else in it, so that it can be timed."""
        self._crowd.among([data])
        try:
            envelope = self._gate.admit(data)
        except RefusedRequestError as refused:
            return Passage(_answers.answer(refused.outcome, refused.reply_to), refused)
        delivery = Delivery(Message.decode(envelope.message.encode()), envelope.message.options["redis_message_id"])
        return Passage(self._perform(delivery), None, envelope, delivery)

    def check(self, data: bytes, passage: Passage) -> None:
        """Fails when the request was not answered as the design says."""
        outcome = strict_json(passage.answer.payload)
        # Of one that is too large only the beginning is read, to learn whose it is.
        request = _as_read_by_python(data) if len(data) <= self._limits.request_bytes else None
        sender = None if request is None else _sender_of(request)
        if passage.refused:
            self.endings[passage.refused.code] += 1
            assert_in_order(passage.refused)
            assert not CONTROL.search(outcome["error"]), "a control character in an error"
            assert sender is None or passage.refused.sender == sender, f"{passage.refused.sender} should be {sender}"
        else:
            self.endings["completed"] += 1
            assert request is not None, "no JSON, and admitted"
            self._check_performed(request, passage, outcome)
        if sender:
            assert (outcome["user_id"], type(outcome["user_id"])) == (sender.user_id, type(sender.user_id))
            assert outcome["task_type"] == sender.task_type
            assert (outcome.get("request_id"), outcome.get("traceparent")) == (sender.request_id, sender.traceparent)
        # What a request can make Redis keep is in proportion to it: an outcome and its keys repeat, and add no more
        # than the catalogue of tasks. (Six times: a raw control character, which JSON does not have, is an escape where
        # a user id is repeated.)
        assert len(passage.answer.payload) <= 6 * len(data) + 20_000
        assert all(len(key) <= 6 * len(data) + 250 for key, _ in passage.answer.keys)
        assert len(passage.answer.claim) <= 6 * len(data) + 250
        assert passage.answer.channels[0] == "results"
        assert all(channel.startswith("results:") for channel in passage.answer.channels[1:])

    def _perform(self, delivery: Delivery) -> Answer:
        _outcomes.before_process_message(broker, delivery)
        _current.before_process_message(broker, delivery)
        try:
            self._tasks[delivery.actor_name].actor(*delivery.args, **delivery.kwargs)
        finally:
            _current.after_process_message(broker, delivery)
        _outcomes.after_process_message(broker, delivery)
        assert delivery.answer is not None
        return delivery.answer

    def _check_performed(self, request: dict[str, Any], passage: Passage, outcome: dict[str, Any]) -> None:
        assert passage.envelope
        assert passage.delivery
        message = passage.envelope.message
        assert strict_json(message.encode())["kwargs"] == passage.delivery.kwargs == message.kwargs
        assert message.kwargs.items() <= (request.get("parameters") or {}).items()
        assert outcome["status"] == "completed", outcome
        assert isinstance(outcome["result"], dict)
        assert outcome["task_id"] == message.message_id
        assert message.actor_name == request["task_type"]
        assert message.options[REPLY_OPTION].get("reply_to") == request.get("reply_to")
        assert message.options.get("max_age") == request.get("max_age_ms")
        assert ("eta" in message.options) == bool(request.get("delay_ms")) == message.queue_name.endswith(".DQ")


def expanded(data: bytes) -> bytes:
    """The request that an input stands for: `FE n m` is the next m bytes (to 16) 2 ** n times (to 2 ** 8), and `FD` to
    2 ** 17 times, so that few bytes can stand for a request beyond all limits."""
    for _ in range(4):
        if not (found := REPEATED.search(data)):
            break
        times = 1 << found[2][0] % (9 if found[1] == b"\xfe" else 18)
        length = found[3][0] % 16 + 1
        start = found.end()
        data = data[: found.start()] + data[start : start + length] * times + data[start + length :]
        data = data[: Limits().request_bytes + 1]
    return data


def _as_read_by_python(data: bytes) -> dict[str, Any] | None:
    """The fields of a request as another reader finds them, none where it is no object; None when it reads no JSON."""
    try:
        content = json.loads(data.decode())
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else {}


def _sender_of(request: dict[str, Any]) -> Sender:
    user_id, task_type, request_id, traceparent = (request.get(name) for name in Sender._fields)
    return Sender(
        user_id if type(user_id) in (int, str) and user_id and _is_text(str(user_id)) else None,
        task_type if isinstance(task_type, str) and task_type and _is_text(task_type) else None,
        request_id if isinstance(request_id, str) and re.fullmatch(r"[A-Za-z0-9._:-]{1,128}", request_id) else None,
        traceparent if isinstance(traceparent, str) and _is_traceparent(traceparent) else None,
    )


def _is_traceparent(text: str) -> bool:
    parts = text.split("-")
    if [len(part) for part in parts[:4]] != [2, 32, 16, 2] or set("".join(parts[:4])) - set("0123456789abcdef"):
        return False
    version, trace_id, parent_id, _, *more = parts
    has_ids = int(trace_id, 16) > 0 and int(parent_id, 16) > 0
    later = "-".join(more)
    is_later = version not in {"00", "ff"} and len(later) <= 100 and all("!" <= letter <= "~" for letter in later)
    return has_ids and (is_later or (version == "00" and not more))


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
