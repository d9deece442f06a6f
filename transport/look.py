"""A look at a queue that blocks in Redis until something is there, and takes nothing away."""

import functools
import time

import redis
from loguru import logger

#: How long one look stays with Redis before it is asked again.
LOOK_S = 10

#: A look that is not answered this long after its time belongs to a connection that is gone.
GRACE_S = 5

#: The pause between two questions to a Redis that cannot block.
POLL_S = 0.1


class BlockingLook:
    """Waits for a queue, whoever fills it, with `BLMOVE queue queue LEFT LEFT`: the first element moves to where it is.

    The command stays with Redis while `wait` returns in between, so that a waiting worker costs a few commands a
    minute and yet does its other chores on time. Not thread-safe: it belongs to one consumer.
    """

    def __init__(self, client: "redis.Redis", queue_key: str) -> None:
        self._pool = client.connection_pool
        self._queue_key = queue_key
        self._connection: redis.connection.Connection | None = None
        self._asked_s: float | None = None
        self._polls = False

    def wait(self, timeout_s: float) -> bool:
        """Whether something is, or may be, on the queue now; after at most `timeout_s`.

        Raises:
            redis.ConnectionError, redis.TimeoutError: when Redis is gone; the next call starts anew.
        """
        if not self._polls:
            try:
                return self._wait(timeout_s)
            except (redis.RedisError, OSError) as error:
                self.close()
                if not isinstance(error, redis.ResponseError) or "unknown command" not in str(error):
                    raise
                self._polls = True
                _say_that_it_polls()
        time.sleep(min(POLL_S, timeout_s))
        return True

    def _wait(self, timeout_s: float) -> bool:
        if self._connection is None:
            self._connection = self._pool.get_connection()
        if self._asked_s is None:
            self._connection.send_command("BLMOVE", self._queue_key, self._queue_key, "LEFT", "LEFT", LOOK_S)
            self._asked_s = time.monotonic()
        if not self._connection.can_read(timeout=timeout_s):
            if time.monotonic() - self._asked_s > LOOK_S + GRACE_S:
                raise redis.TimeoutError(f"no answer to BLMOVE {self._queue_key} after {LOOK_S + GRACE_S} s")
            return False
        self._asked_s = None
        return self._connection.read_response() is not None

    def close(self) -> None:
        """Gives the look up. What it would have seen stays where it is."""
        if self._connection is not None:
            self._connection.disconnect()
            self._pool.release(self._connection)
        self._connection = None
        self._asked_s = None


@functools.cache
def _say_that_it_polls() -> None:
    logger.warning("This Redis has no BLMOVE (it came with 6.2): idle workers ask it every {} s instead", POLL_S)
