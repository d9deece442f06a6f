"""Where a consumer's messages come from: it waits in Redis for the first one, and fetches in the same round trip."""

import functools
import time
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import redis
from loguru import logger
from redis.commands.core import Script

from transport.line import Line
from transport.scripts import script

#: For how long a question waits in Redis for a message, before it is asked again.
QUESTION_S = 40

#: The same while an older question may be with Redis on a connection that only Redis believes to be there. If Redis has
#: lost the script of that one, what its BLMOVE has put aside waits for the end of the next question.
SHORT_QUESTION_S = 2

#: When it is not answered this long after that time, its connection is lost.
GRACE_S = 5

#: How long Redis remembers the worker's generation: until no question of an older one can be with it any more.
GENERATION_S = 120

#: The pause between two questions to a Redis that cannot block.
POLL_S = 0.1

#: The count of a message that is not to be begun any more; as in recover.lua.
CONDEMNED = -1


class Fetched(NamedTuple):
    """A message as Redis has it; without data when somebody has removed it meanwhile."""

    redis_message_id: str
    data: bytes | None
    #: How often it was begun, if a worker has died with it in its hands, or `CONDEMNED`; else 0.
    begun: int = 0


class Feed:
    """Fetches from one queue for one worker, on a connection of its own. Not thread-safe: it belongs to one consumer.

    A question is two commands that are sent together. `BLMOVE` waits until the queue holds something, whoever fills it,
    and puts the first message aside for this worker alone: of many waiting workers only one is woken. The fetch script
    runs when the BLMOVE is through: so the messages come with the answer, in one round trip.

    Parameters:
        generations: rising numbers, for all feeds of the worker, so that Redis knows which `put_back` is the later one.
    """

    def __init__(
        self, client: "redis.Redis", namespace: str, queue_name: str, worker_id: str, generations: Iterator[int]
    ) -> None:
        self.queue_name = queue_name
        self._generations = generations
        self._line = Line(client)
        self._fetch_script = script(client, "turns", "fetch")
        self._put_back_script = script(client, "turns", "put_back")
        self._postpone_script = script(client, "postpone")
        self._begin_script = script(client, "begin")
        self._rename_script = script(client, "rename")
        self._namespace = namespace
        self._worker_id = worker_id
        aside = f"{namespace}:__aside__.{worker_id}.{queue_name}"
        self._wait_command = ("BLMOVE", f"{namespace}:{queue_name}", aside, "LEFT", "RIGHT")
        #: Until then an older question may be with Redis.
        self._older_until_s = 0.0
        self._asked_s: float | None = None
        self._generation = ""
        #: Whether this Redis has the command.
        self._waits = True

    def fetch(self, wanted: int, timeout_s: float) -> list[Fetched]:
        """Up to `wanted` messages, as soon as there is one; none after `timeout_s`, and the question stays with Redis.

        Raises:
            redis.RedisError: when the connection is lost; the next call asks anew.
        """
        try:
            asked_s = self._asked_s or self._ask(wanted)
            if self._line.is_answered(timeout_s):
                return self._answer(wanted, timeout_s)
            if time.monotonic() - asked_s > QUESTION_S + GRACE_S:
                raise redis.TimeoutError(f"no answer about {self.queue_name!r} in {QUESTION_S + GRACE_S} s")
        except (redis.RedisError, OSError):
            self.close()
            raise
        return []

    @property
    def is_asking(self) -> bool:
        """Whether a question is with Redis."""
        return self._asked_s is not None

    def put_back(self, in_hand: Collection[str], let_go: Collection[str] = ()) -> None:
        """Returns to the queue all messages that Redis has given this worker, except those `in_hand`. Those in `let_go`
        count as not begun. Questions that are still with Redis get no messages from now on."""
        is_first, self._generation = not self._generation, str(next(self._generations))
        has_older = self._run(self._put_back_script, self._generation, GENERATION_S, *in_hand, "", *let_go)
        if is_first and has_older:
            # From the feed before this one, which has lost its connection.
            self._older_until_s = time.monotonic() + QUESTION_S

    def postpone(self, times: Iterable[tuple[float, str]]) -> None:
        """Lays delayed messages aside until shortly before they are due: pairs of that time, in Unix ms, and the redis
        message id."""
        self._run(self._postpone_script, *(word for pair in times for word in pair))

    def count_beginning(self, redis_message_id: str) -> bool:
        """Counts that a message which may have killed a worker is begun once more; False where it is not this worker's
        any more, since it was cancelled, or the others have taken this worker for dead."""
        return bool(self._run(self._begin_script, redis_message_id))

    def close(self) -> None:
        """Takes the question back. What Redis has put aside by then waits for this worker's next fetch."""
        self._line.close()
        if self._asked_s is not None:
            self._older_until_s = time.monotonic() + QUESTION_S
        self._asked_s = None

    def _ask(self, wanted: int) -> float:
        whose = (self._namespace, self.queue_name, self._worker_id)
        fetch = ("EVALSHA", self._fetch_script.sha, 1, *whose, wanted, self._generation)
        now_s = time.monotonic()
        if self._waits:
            wait_s = SHORT_QUESTION_S if now_s < self._older_until_s else QUESTION_S
            self._line.send((*self._wait_command, wait_s), fetch)
        else:
            self._line.send(fetch)
        self._asked_s = now_s
        return now_s

    def _answer(self, wanted: int, timeout_s: float) -> list[Fetched]:
        self._asked_s = None
        has_waited = self._waits and self._receive_end_of_waiting()
        try:
            ids, messages, begun = self._line.receive()
        except redis.exceptions.NoScriptError:
            # Redis has lost it, or never had it. redis-py loads it when it is called like this.
            ids, messages, begun = self._run(self._fetch_script, wanted, self._generation)
        if not ids and not has_waited:
            time.sleep(min(POLL_S, timeout_s))
        counts = begun or [None] * len(ids)
        return [
            Fetched(self._name(redis_message_id), data, int(count or 0))
            for redis_message_id, data, count in zip(ids, messages, counts, strict=True)
        ]

    def _name(self, redis_message_id: bytes) -> str:
        """The redis message id as a text. Where it is none, the message gets a new one, by which it can be ended."""
        try:
            name = redis_message_id.decode()
        except UnicodeDecodeError:
            name = ""
        # Not an empty one: in a list of ids for put_back.lua that ends the first part.
        if name:
            return name
        name = str(uuid4())
        self._run(self._rename_script, redis_message_id, name)
        return name

    def _run(self, named: Script, *words: str | bytes | float) -> Any:
        """What a script returns that is for this queue and this worker."""
        return named(keys=[self._namespace], args=[self.queue_name, self._worker_id, *words])

    def _receive_end_of_waiting(self) -> bool:
        """Receives the reply to BLMOVE; returns whether Redis has waited."""
        try:
            self._line.receive()
        except redis.OutOfMemoryError:
            # Redis refuses a command that may take memory then. The fetch behind it takes none, so queues can be
            # emptied.
            return False
        except redis.ResponseError as error:
            if "unknown command" not in str(error):
                raise
            self._waits = False
            _say_that_it_polls()
        return self._waits


@functools.cache
def _say_that_it_polls() -> None:
    logger.warning("This Redis has no BLMOVE (it came with 6.2): idle workers ask it every {} s instead", POLL_S)
