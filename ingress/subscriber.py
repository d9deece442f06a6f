"""Hears the tasks channel and brings each burst of requests to the queue."""

import time
from contextlib import suppress

import redis
from loguru import logger

from ingress.intake import Intake
from transport.connection import StopRequest
from transport.line import Line

#: The most requests that are taken to the queue together, and the bytes from which on they are not waited for.
BURST = 256
BURST_BYTES = 4 * 1024 * 1024

#: How long a silent subscriber waits before it looks whether it should stop.
SILENCE_S = 0.5

#: After this long without a word from Redis it is asked for one, and has as long again to answer.
PING_S = 5.0


class Subscriber:
    """Subscribes to one channel until it is asked to stop, through every loss of the connection."""

    def __init__(self, client: "redis.Redis", channel: str, intake: Intake, stop: StopRequest) -> None:
        self._line = Line(client)
        self._channel = channel
        self._intake = intake
        self._stop = stop
        self._heard_s = 0.0
        self._pinged_s: float | None = None

    def run(self) -> None:
        """Returns once asked to stop, with everything that was received on the queue or answered.

        Raises:
            redis.RedisError: when it was asked to stop and Redis does not answer.
        """
        while not self._stop.received:
            try:
                self._stop.until_redis_answers(self._subscribe)
                self._listen()
            except (redis.ConnectionError, redis.TimeoutError) as error:
                if self._stop.received:
                    raise
                logger.warning("Lost channel {!r}: {}. Requests are unheard until it is back", self._channel, error)
            finally:
                self._line.close()

    def _subscribe(self) -> None:
        self._line.close()
        self._line.send(("SUBSCRIBE", self._channel))
        # Ready means ready: from Redis's confirmation on, nothing that is published here is missed.
        self._line.receive()
        self._hears()
        logger.info("Ready: listening on channel {!r}", self._channel)

    def _listen(self) -> None:
        while not self._stop.received:
            if burst := self._burst():
                self._take(burst)
            else:
                self._check_health()
        # What Redis had sent before it confirms that it sends no more was received, too.
        self._line.send(("UNSUBSCRIBE", self._channel))
        while burst := self._burst():
            self._take(burst)

    def _take(self, burst: list[bytes]) -> None:
        try:
            self._intake.take(burst)
        except redis.RedisError:
            # Asked to stop without Redis: with the burst is lost what has come since, and nobody has looked at yet.
            unread = 0
            with suppress(redis.RedisError, OSError):
                while more := self._burst():
                    unread += len(more)
            logger.error("{} more requests have come unread and are lost", unread)
            raise

    def _burst(self) -> list[bytes]:
        """The requests that have come by now, after waiting for the first of them."""
        burst: list[bytes] = []
        room = BURST_BYTES
        while len(burst) < BURST and room > 0 and self._line.is_answered(0 if burst else SILENCE_S):
            kind, _, data = (*self._line.receive(), None)[:3]
            self._hears()
            if kind == b"message":
                burst.append(data)
                room -= len(data)
            elif kind == b"unsubscribe":
                break
        return burst

    def _hears(self) -> None:
        self._heard_s = time.monotonic()
        self._pinged_s = None

    def _check_health(self) -> None:
        now_s = time.monotonic()
        if self._pinged_s is None and now_s - self._heard_s > PING_S:
            self._line.send(("PING",))
            self._pinged_s = now_s
        elif self._pinged_s is not None and now_s - self._pinged_s > PING_S:
            raise redis.TimeoutError(f"Redis has not answered a PING for {PING_S:.0f} s")
