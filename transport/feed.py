"""Where a consumer's messages come from: one command that waits in Redis for the first, and fetches with it."""

import functools
import time
from collections.abc import Collection
from typing import NamedTuple

import redis
from loguru import logger
from redis.connection import Connection

from transport.scripts import script

#: How long a question stays with Redis before it is asked again; a worker says at least as often that it is alive.
QUESTION_S = 10

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
        self._client = client
        self._namespace = namespace
        self._queue_name = queue_name
        self._worker_id = worker_id
        queue = f"{namespace}:{queue_name}"
        self._wait_command = ("BLMOVE", queue, f"{namespace}:__acks__.{worker_id}.{queue_name}.aside", "LEFT", "RIGHT")
        self._script = script(client, "fetch")
        self._put_back = script(client, "put_back")
        self._connection: Connection | None = None
        self._asked_s: float | None = None
        self._waits = True

    def fetch(self, wanted: int, timeout_s: float) -> list[Fetched]:
        """Up to `wanted` messages, as soon as there is one; none after `timeout_s`, and the question stays with Redis.

        Raises:
            redis.RedisError: when Redis is gone; the next call starts anew and finds what got lost on the way.
        """
        try:
            return self._fetch(wanted, timeout_s)
        except (redis.RedisError, OSError):
            self.close()
            raise

    def put_back(self, in_hand: Collection[str]) -> None:
        """Puts what Redis has given this worker, but for the messages with these ids, back on the queue."""
        self._put_back(keys=[self._namespace], args=[self._queue_name, self._worker_id, *in_hand])

    def close(self) -> None:
        """Takes the question back. What Redis had put aside by then stays so until this worker's next fetch."""
        if self._connection is not None:
            self._connection.disconnect()
            self._client.connection_pool.release(self._connection)
        self._connection = None
        self._asked_s = None

    def _fetch(self, wanted: int, timeout_s: float) -> list[Fetched]:
        if self._connection is None:
            self._connection = self._client.connection_pool.get_connection()
        if self._asked_s is None:
            self._ask(self._connection, wanted)
        if not self._connection.can_read(timeout=timeout_s):
            if time.monotonic() - (self._asked_s or 0) > QUESTION_S + GRACE_S:
                raise redis.TimeoutError(f"no answer about queue {self._queue_name!r} in {QUESTION_S + GRACE_S} s")
            return []
        fetched = self._answer(self._connection)
        if not fetched and not self._waits:
            time.sleep(min(POLL_S, timeout_s))
        return fetched

    def _ask(self, connection: Connection, wanted: int) -> None:
        fetch = ("EVALSHA", self._script.sha, 1, self._namespace, self._queue_name, self._worker_id, wanted)
        wait = (*self._wait_command, QUESTION_S)
        connection.send_packed_command(connection.pack_commands([wait, fetch] if self._waits else [fetch]))
        self._asked_s = time.monotonic()

    def _answer(self, connection: Connection) -> list[Fetched]:
        self._asked_s = None
        if self._waits:
            try:
                connection.read_response()
            except redis.ResponseError as error:
                if "unknown command" not in str(error):
                    raise
                self._waits = False
                _say_that_it_polls()
        try:
            ids, messages = connection.read_response()
        except redis.exceptions.NoScriptError:
            # Redis has lost it, or never had it. Called like this, redis-py loads it.
            ids, messages = self._script(keys=[self._namespace], args=[self._queue_name, self._worker_id, 1])
        return [Fetched(redis_message_id.decode(), data) for redis_message_id, data in zip(ids, messages, strict=True)]


@functools.cache
def _say_that_it_polls() -> None:
    logger.warning("This Redis has no BLMOVE (it came with 6.2): idle workers ask it every {} s instead", POLL_S)
