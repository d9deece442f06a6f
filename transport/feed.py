"""Where a consumer's messages come from: one command that waits in Redis for the first, and fetches with it."""

import functools
import time
from collections.abc import Collection
from typing import NamedTuple

import redis
from loguru import logger

from transport.line import Line
from transport.scripts import script

#: How long a question stays with Redis before it is asked again. A worker says with a question that it is alive, but
#: not more often than it needs to: it is dead to the others after a minute without.
QUESTION_S = 10
ALIVE_S = 1.0

#: A question that is not answered this long after its time belongs to a connection that is gone.
GRACE_S = 5

#: The pause between two questions to a Redis that cannot block.
POLL_S = 0.1


class Fetched(NamedTuple):
    """A message as it is in Redis; without data when somebody has removed it meanwhile."""

    redis_message_id: str
    data: bytes | None


class Feed:
    """Fetches from one queue for one worker, on a connection of its own. Not thread-safe: it belongs to one consumer.

    `BLMOVE` waits until the queue holds something, whoever fills it, and puts the first message aside for this worker
    alone: of many waiting workers one is woken. The fetch script is sent right behind it, and Redis runs it when the
    BLMOVE is through; so the messages themselves come with the answer, in one round trip.
    """

    def __init__(self, client: "redis.Redis", namespace: str, queue_name: str, worker_id: str) -> None:
        self._line = Line(client)
        self._fetch_script = script(client, "fetch")
        self._put_back_script = script(client, "put_back")
        self._owner = (namespace, queue_name, worker_id)
        queue = f"{namespace}:{queue_name}"
        aside = f"{namespace}:__acks__.{worker_id}.{queue_name}.aside"
        self._wait_command = ("BLMOVE", queue, aside, "LEFT", "RIGHT", QUESTION_S)
        self._asked_s: float | None = None
        self._said_alive_s = -ALIVE_S
        self._waits = True

    def fetch(self, wanted: int, timeout_s: float) -> list[Fetched]:
        """Up to `wanted` messages, as soon as there is one; none after `timeout_s`, and the question stays with Redis.

        Raises:
            redis.RedisError: when Redis is gone; the next call starts anew and finds what got lost on the way.
        """
        try:
            asked_s = self._asked_s or self._ask(wanted)
            if self._line.is_answered(timeout_s):
                return self._answer(wanted, timeout_s)
            if time.monotonic() - asked_s > QUESTION_S + GRACE_S:
                raise redis.TimeoutError(f"no answer about {self._owner[1]!r} in {QUESTION_S + GRACE_S} s")
        except (redis.RedisError, OSError):
            self.close()
            raise
        return []

    def put_back(self, in_hand: Collection[str]) -> None:
        """Puts what Redis has given this worker, but for the messages with these ids, back on the queue."""
        self._put_back_script(keys=self._owner[:1], args=[*self._owner[1:], *in_hand])

    def close(self) -> None:
        """Takes the question back. What Redis had put aside by then stays so until this worker's next fetch."""
        self._line.close()
        self._asked_s = None

    def _ask(self, wanted: int) -> float:
        now_s = time.monotonic()
        says_alive = now_s - self._said_alive_s >= ALIVE_S
        fetch = ("EVALSHA", self._fetch_script.sha, 1, *self._owner, wanted, "alive" if says_alive else "")
        if self._waits:
            self._line.send(self._wait_command, fetch)
        else:
            self._line.send(fetch)
        self._asked_s = now_s
        if says_alive:
            self._said_alive_s = now_s
        return now_s

    def _answer(self, wanted: int, timeout_s: float) -> list[Fetched]:
        self._asked_s = None
        if self._waits:
            self._receive_end_of_waiting()
        try:
            ids, messages = self._line.receive()
        except redis.exceptions.NoScriptError:
            # Redis has lost it, or never had it. Called like this, redis-py loads it.
            ids, messages = self._fetch_script(keys=self._owner[:1], args=[*self._owner[1:], wanted, "alive"])
        if not ids and not self._waits:
            time.sleep(min(POLL_S, timeout_s))
        return [Fetched(redis_message_id.decode(), data) for redis_message_id, data in zip(ids, messages, strict=True)]

    def _receive_end_of_waiting(self) -> None:
        try:
            self._line.receive()
        except redis.ResponseError as error:
            if "unknown command" not in str(error):
                raise
            self._waits = False
            _say_that_it_polls()


@functools.cache
def _say_that_it_polls() -> None:
    logger.warning("This Redis has no BLMOVE (it came with 6.2): idle workers ask it every {} s instead", POLL_S)
