"""Dead letters: messages that ended without success. Dramatiq keeps them for a week in the `.XQ` beside their queue.

Each says why it is dead: a worker of Callboard writes that into the message when it ends, since the outcome is kept for
a shorter time. A message that a stock Dramatiq worker has given up has the traceback of an earlier attempt, if any.
"""

import dataclasses
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import redis
from dramatiq import Message
from dramatiq.common import current_millis, q_name

from contract import ErrorCode, Sender
from transport.answers import Answers
from transport.messages import UNDECODABLE, WAITS_OPTION, Delivery, addressee, ids_of_attempts
from transport.scripts import script

#: The option of a dead message that says why it is dead.
REASON_OPTION = "callboard_reason"

#: The options of a message that are removed before it is tried again, as if for the first time.
PAST_OPTIONS = {REASON_OPTION, WAITS_OPTION, "retries", "traceback", "requeue_timestamp", "eta"}

#: The most letters that Redis hands out or takes at a time.
PAGE = 200

UNREADABLE = "It cannot be read as a Dramatiq message, so no worker can perform it"
NO_REASON = "No reason was kept: not a worker of Callboard's has given it up"


def letter_of(delivery: Delivery) -> bytes:
    """What is kept of a message that ends without success: the message, with the reason."""
    if (outcome := delivery.outcome) is None:
        return bytes(delivery.encode())
    return letter_with_reason(delivery, outcome.error, error_code=outcome.error_code, attempts=outcome.attempts)


def letter_with_reason(message: Message[Any] | Delivery, error: str | None, **more: object) -> bytes:
    """The same for any reason."""
    message.options[REASON_OPTION] = {"error": error, **more}
    return bytes(message.encode())


class DeadLetter(NamedTuple):
    """A dead letter as it is in Redis; `message` is None where it cannot be read."""

    queue_name: str
    redis_message_id: str
    died_ms: int
    data: bytes
    message: Message[Any] | None

    @property
    def id(self) -> str:
        """The `task_id` of its outcome; of one that cannot be read, its redis message id."""
        return self.redis_message_id if self.message is None else self.message.message_id

    @property
    def sender(self) -> Sender:
        """Whose request it was."""
        return Sender() if self.message is None else addressee(self.message)[0]

    @property
    def task_type(self) -> str | None:
        """The name of its task."""
        return self.sender.task_type

    @property
    def error(self) -> str:
        """Why it is dead, in one sentence."""
        if self.message is None:
            return UNREADABLE
        if error := self._reason.get("error"):
            return str(error)
        last_line = (self.traceback or "").strip().rpartition("\n")[2]
        return f"{last_line} (of an attempt before the last one)" if last_line else NO_REASON

    @property
    def error_code(self) -> ErrorCode | None:
        """That of its outcome."""
        code = self._reason.get("error_code")
        return ErrorCode(code) if isinstance(code, str) and code in set(ErrorCode) else None

    @property
    def attempts(self) -> int | None:
        """How often it was tried."""
        attempts = self._reason.get("attempts")
        return attempts if isinstance(attempts, int) else None

    @property
    def traceback(self) -> str | None:
        """That of the last failure that was retried; a timeout or wrong parameters have none."""
        traceback = None if self.message is None else self.message.options.get("traceback")
        return traceback if isinstance(traceback, str) else None

    @property
    def _reason(self) -> dict[str, Any]:
        reason = None if self.message is None else self.message.options.get(REASON_OPTION)
        return reason if isinstance(reason, dict) else {}


class DeadLetters:
    """The dead letters of some queues.

    Raises, in each of its methods:
        redis.RedisError: when Redis does not answer. Some of several letters may be done then; to repeat it is safe.
    """

    def __init__(self, client: "redis.Redis", namespace: str, queue_names: Iterable[str], answers: Answers) -> None:
        self._client = client
        self._namespace = namespace
        self._queue_names = sorted(queue_names)
        self._answers = answers
        self._revive_script = script(client, "revive")
        self._purge_script = script(client, "purge")

    def count(self, task_type: str | None = None) -> int:
        """How many there are; those of one task are counted by reading all."""
        if task_type is not None:
            every = (letter for queue_name in self._queue_names for letter in self._newest_of(queue_name))
            return sum(letter.task_type == task_type for letter in every)
        with self._client.pipeline(transaction=False) as pipeline:
            for queue_name in self._queue_names:
                pipeline.zcard(self._key(queue_name))
            return sum(pipeline.execute())

    def newest(self, count: int, *, skipped: int = 0, task_type: str | None = None) -> list[DeadLetter]:
        """Up to `count` of them, the last to die first, after leaving out as many as `skipped` says."""
        by_queue = [self._newest_of(queue_name) for queue_name in self._queue_names]
        letters = heapq.merge(*by_queue, key=lambda letter: -letter.died_ms)
        wanted = (letter for letter in letters if task_type in (None, letter.task_type))
        return list(islice(wanted, skipped, skipped + count))

    def find(self, letter_id: str) -> DeadLetter | None:
        """The one with this `task_id` or redis message id; reads all of them if need be."""
        ids = ids_of_attempts(letter_id)
        for queue_name in self._queue_names:
            messages = self._client.hmget(f"{self._key(queue_name)}.msgs", ids)
            for redis_message_id, data in zip(ids, messages, strict=True):
                if isinstance(data, bytes):
                    return self._read(queue_name, {redis_message_id.encode(): data})[0]
        return next((letter for letter in self.each() if letter.id == letter_id), None)

    def each(self, task_type: str | None = None) -> Iterator[DeadLetter]:
        """All of them, or those of one task, in no order. They may be removed meanwhile; a message that dies meanwhile
        may be left out."""
        for queue_name in self._queue_names:
            # HSCAN may return one several times: "SCAN guarantees" in Redis's documentation.
            seen: set[str] = set()
            messages = self._client.hscan_iter(f"{self._key(queue_name)}.msgs", count=PAGE)
            while page := dict(islice(messages, PAGE)):
                for letter in self._read(queue_name, page):
                    if letter.redis_message_id not in seen and task_type in (None, letter.task_type):
                        yield letter
                    seen.add(letter.redis_message_id)

    def retry(self, letters: Iterable[DeadLetter]) -> int:
        """Puts them back on their queues, to be tried as if for the first time; returns how many that were.

        In the same step the outcome of the failure is removed. Until there is a new one, the task counts as under way,
        and a repeat of its request waits for it. Letters that cannot be read stay where they are.
        """
        return self._act(letters, self._revive)

    def purge(self, letters: Iterable[DeadLetter]) -> int:
        """Removes them for good; returns how many that were."""
        return self._act(letters, self._purge)

    def _act(self, letters: Iterable[DeadLetter], act: Callable[[str, Sequence[DeadLetter]], int]) -> int:
        remaining, done = iter(letters), 0
        while page := list(islice(remaining, PAGE)):
            for queue_name in {letter.queue_name for letter in page}:
                done += act(queue_name, [letter for letter in page if letter.queue_name == queue_name])
        return done

    def _revive(self, queue_name: str, letters: Sequence[DeadLetter]) -> int:
        words = [
            word for letter in letters if letter.message is not None for word in self._revival(letter, letter.message)
        ]
        return int(self._revive_script(keys=[self._namespace], args=[queue_name, *words]))

    def _purge(self, queue_name: str, letters: Sequence[DeadLetter]) -> int:
        ids = [letter.redis_message_id for letter in letters]
        return int(self._purge_script(keys=[self._namespace], args=[queue_name, *ids]))

    def _revival(self, letter: DeadLetter, message: Message[Any]) -> tuple[str | bytes | int, ...]:
        """What revive.lua reads of it."""
        options = {name: value for name, value in message.options.items() if name not in PAST_OPTIONS}
        fresh = dataclasses.replace(
            message,
            queue_name=q_name(message.queue_name),
            options=options | {"redis_message_id": letter.redis_message_id},
            # From now on its max_age_ms counts.
            message_timestamp=current_millis(),
        )
        claim = self._answers.claim_of(addressee(message)[0])
        claimed = (claim.key, claim.ttl_s, claim.outcome_key) if claim else ("", 0, "")
        kept_at = self._answers.kept_at(message.message_id)
        return (letter.redis_message_id, fresh.queue_name, fresh.encode(), message.message_id, kept_at, *claimed)

    def _newest_of(self, queue_name: str) -> Iterator[DeadLetter]:
        key, first = self._key(queue_name), 0
        while True:
            page: list[Any] = self._client.zrevrange(key, first, first + PAGE - 1, withscores=True)
            if not page:
                return
            messages = self._client.hmget(f"{key}.msgs", [redis_message_id for redis_message_id, _ in page])
            for (redis_message_id, died_ms), data in zip(page, messages, strict=True):
                if isinstance(data, bytes):
                    yield _letter(queue_name, redis_message_id, died_ms, data)
            first += PAGE

    def _read(self, queue_name: str, messages: Mapping[bytes, bytes]) -> list[DeadLetter]:
        """The letters that these messages are, by their redis message ids."""
        with self._client.pipeline(transaction=False) as pipeline:
            for redis_message_id in messages:
                pipeline.zscore(self._key(queue_name), redis_message_id)
            times_ms = pipeline.execute()
        return [
            _letter(queue_name, redis_message_id, died_ms or 0, data)
            for (redis_message_id, data), died_ms in zip(messages.items(), times_ms, strict=True)
        ]

    def _key(self, queue_name: str) -> str:
        return f"{self._namespace}:{queue_name}.XQ"


def _letter(queue_name: str, redis_message_id: bytes, died_ms: float, data: bytes) -> DeadLetter:
    message: Message[Any] | None
    try:
        message = Message.decode(data)
        # As a worker reads it, which fails on more than Dramatiq's decoder does.
        Delivery(message, "")
    except UNDECODABLE:
        message = None
    return DeadLetter(queue_name, redis_message_id.decode(errors="replace"), int(died_ms), data, message)
