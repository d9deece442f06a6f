"""Hears Redis channels in a thread of its own."""

import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import redis

from client.gap import Gap
from transport.connection import FIRST_PAUSE_S, LONGEST_PAUSE_S
from transport.line import Line
from transport.silence import Silence

#: How long is waited for a message at a time.
SLICE_S = 1.0

#: After this long without a word from Redis it is asked for one.
PING_S = 5.0

#: How long closing waits for the thread, which may be waiting for a Redis that does not answer.
CLOSE_S = 1.0


class Listener:
    """Subscribes to channels and passes on what is heard there, through every loss of the connection.

    Parameters:
        on_message: gets the name of the channel and the message.
        on_gap: looks for what may have been missed before it heard, or heard again; called once more after a while when
            it returns False, since Redis has not answered.
    """

    def __init__(
        self, client: "redis.Redis", on_message: Callable[[str, bytes], None], on_gap: Callable[[], bool]
    ) -> None:
        self._line = Line(client)
        self._on_message = on_message
        self._on_gap = on_gap
        self._silence = Silence(PING_S)
        self._gap = Gap()
        self._wanted: list[str] = []
        self._confirmed: set[str] = set()
        self._is_connected = False
        self._failures = 0
        self._last_failure = redis.RedisError()
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def hear(self, channel: str, deadline_s: float = math.inf) -> None:
        """Returns when everything that is published there from now on will be heard; or at the deadline, a time of
        `time.monotonic`.

        Raises:
            redis.RedisError: when Redis does not answer, or does not allow it.
        """
        if channel in self._confirmed:
            return
        with self._changed:
            failures = self._failures
            if channel not in self._wanted:
                self._wanted.append(channel)
                if self._is_connected:
                    self._line.send(("SUBSCRIBE", channel))
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="callboard-client", daemon=True)
                thread.start()
                # No sooner: where no thread could be started, the next call is to try it again.
                self._thread = thread
            is_over = self._changed.wait_for(
                lambda: channel in self._confirmed or self._failures > failures or self._closed.is_set(),
                min(deadline_s - time.monotonic(), threading.TIMEOUT_MAX),
            )
            if is_over and channel not in self._confirmed:
                raise self._last_failure

    def close(self) -> None:
        """Ends the thread."""
        with self._changed:
            self._closed.set()
            self._changed.notify_all()
            if self._is_connected:
                # Its answer wakes the thread.
                with suppress(redis.RedisError):
                    self._line.send(("UNSUBSCRIBE",))
            thread = self._thread
        if thread is not None:
            thread.join(CLOSE_S)

    def abandon(self) -> None:
        """In a process that was just forked: leaves the connection to the other one."""
        self._line.abandon()

    def _run(self) -> None:
        try:
            self._hear_all()
        finally:
            # Whatever has ended it: nobody believes that it still hears, and the next call starts another one.
            with self._changed:
                self._fail(redis.ConnectionError("the thread that listens for this client has ended"))
                self._thread = None

    def _hear_all(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._closed.is_set():
            try:
                self._subscribe()
                self._gap.opens()
                pause_s = FIRST_PAUSE_S
                while not self._closed.is_set():
                    if self._gap.is_due:
                        self._gap.was_looked_at(is_answered=self._on_gap())
                    self._read()
            except (redis.RedisError, OSError) as error:
                self._fail(error)
                self._closed.wait(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _subscribe(self) -> None:
        # One after the other, so that it is known which one is refused. Without the lock: Redis may take its time, and
        # whoever closes the client is not to wait for that.
        while (channel := self._next_wanted()) is not None:
            self._line.send(("SUBSCRIBE", channel))
            try:
                while channel not in self._confirmed:
                    self._receive()
            except redis.ResponseError:
                # Not allowed, today or tomorrow: the other channels are heard all the same.
                with self._changed:
                    self._wanted.remove(channel)
                raise

    def _next_wanted(self) -> str | None:
        """A channel that is not subscribed to yet. Once there is none, `hear` sees to those that come to be wanted."""
        with self._changed:
            missing = next((channel for channel in self._wanted if channel not in self._confirmed), None)
            self._is_connected = missing is None
            return missing

    def _fail(self, error: redis.RedisError | OSError) -> None:
        with self._changed:
            self._line.close()
            self._is_connected = False
            self._confirmed.clear()
            self._failures += 1
            self._last_failure = redis.RedisError(str(error))
            self._changed.notify_all()

    def _read(self) -> None:
        if self._line.is_answered(SLICE_S):
            self._receive()
        elif self._silence.asks():
            with self._changed:
                self._line.send(("PING",))

    def _receive(self) -> None:
        kind, channel, data = (*self._line.receive(), None, None)[:3]
        self._silence.ends()
        if kind == b"message":
            self._on_message(channel.decode(), data)
        elif kind == b"subscribe":
            with self._changed:
                self._confirmed.add(channel.decode())
                self._changed.notify_all()
