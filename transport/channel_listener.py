"""Listens to one channel for good: only what is published while Redis is away is missed."""

import threading
from abc import ABC, abstractmethod

import redis
from loguru import logger

from transport.connection import FIRST_PAUSE_S, LONGEST_PAUSE_S
from transport.line import Line
from transport.silence import Silence

#: After this long without a word from Redis it is asked for one.
PING_S = 25.0

#: How long a stopping listener takes to notice.
SLICE_S = 5.0


class ChannelListener(ABC):
    """A thread that holds a subscription of its own."""

    def __init__(self, client: "redis.Redis", channel: str) -> None:
        self._line = Line(client)
        self._channel = channel
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self._silence = Silence(PING_S)

    @abstractmethod
    def hear(self, data: bytes) -> None:
        """Called with what was published. Has to deal itself with what Redis refuses it."""

    def rest(self) -> float:
        """Called before each wait for more; returns for how many seconds to wait at most."""
        return SLICE_S

    def start(self) -> None:
        """Begins to listen soon."""
        self._thread.start()

    def stop(self) -> None:
        """Stops listening soon: it may be waiting for a Redis that does not answer."""
        self._stop.set()

    def _run(self) -> None:
        pause_s = 0.0
        while not self._stop.wait(pause_s):
            try:
                self._subscribe()
                pause_s = 0.0
                while not self._stop.is_set():
                    self._receive(min(self._rest(), SLICE_S))
            except (redis.RedisError, OSError) as error:
                if pause_s == 0.0:
                    logger.warning("Channel {!r} is not heard until Redis lets it: {}", self._channel, error)
                pause_s = min(LONGEST_PAUSE_S, max(FIRST_PAUSE_S, 2 * pause_s))
            self._line.close()

    def _subscribe(self) -> None:
        self._line.send(("SUBSCRIBE", self._channel))
        self._line.receive()
        self._silence.ends()

    def _receive(self, wait_s: float) -> None:
        if not self._line.is_answered(wait_s):
            if self._silence.asks():
                self._line.send(("PING",))
            return
        try:
            kind, _, data = (*self._line.receive(), None, None)[:3]
        except redis.ResponseError:
            # Redis refuses to answer a PING, as with MISCONF or BUSY: it is there, and what is published comes.
            kind = data = None
        self._silence.ends()
        if kind == b"message":
            self._take(data)

    def _rest(self) -> float:
        try:
            return self.rest()
        except Exception:  # noqa: BLE001 - as below: what is dealt with later was published by somebody, too
            logger.exception("{} cannot deal with what it has kept of {!r}", type(self).__name__, self._channel)
            return SLICE_S

    def _take(self, data: bytes) -> None:
        try:
            self.hear(data)
        except Exception:  # noqa: BLE001 - what is published may be anything, and more will follow
            logger.exception("{} cannot deal with what was published on {!r}", type(self).__name__, self._channel)
