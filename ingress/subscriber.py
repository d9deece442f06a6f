"""Hears the tasks channel, and the markers that make its positions known."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import redis

from ingress.backlog import Backlog
from ingress.markers import markers_channel, newcomer, read_marker
from transport.line import Line
from transport.silence import Silence

#: From so many requests, or bytes of them, on no more are looked for before some are taken in. It is more than is
#: sifted at once: a flood is to lie here, where it can be turned away, and not in Redis, which cuts off a subscriber
#: that is far behind.
HEARD = 8192
HEARD_BYTES = 16 * 1024 * 1024

#: After this long without a word from Redis it is asked for one.
PING_S = 5.0


class Subscriber:
    """A subscription to the tasks channel and to the markers' channel beside it, which ends with its connection.

    Raises, in each of its methods:
        redis.ConnectionError, redis.TimeoutError: the subscription is lost; what is published is unheard until the next
            one.
    """

    def __init__(self, client: "redis.Redis", channel: str, backlog: Backlog) -> None:
        self._line = Line(client)
        self._channel = channel.encode()
        self._markers = markers_channel(channel)
        self._backlog = backlog
        self._silence = Silence(PING_S)
        #: The tokens of the ingresses that have begun to listen since this subscription has, its own included.
        self.newcomers: set[str] = set()

    def subscribe(self, marker: str) -> None:
        """Returns when Redis has confirmed the subscription: from then on nothing that is published here is missed.

        All others hear `marker` just where it begins. What came in between would have a position after this marker for
        some of them, and for others none.
        """
        commands = (("PUBLISH", self._markers, marker), ("SUBSCRIBE", self._channel), ("SUBSCRIBE", self._markers))
        try:
            self._perform(("MULTI",), *commands, ("EXEC",))
        except redis.OutOfMemoryError:
            # Then Redis refuses any transaction. What it reads together it performs together, too.
            self._line.close()
            self._perform(*commands)
        self._note(marker)
        self._silence.ends()

    def hear(self, silence_s: float) -> None:
        """Adds to the backlog what has come by now, after waiting up to `silence_s` for the first of it."""
        messages = self._line.receive_some(silence_s)
        if not messages:
            if self._silence.asks():
                self._line.send(("PING",))
            return
        self._silence.ends()
        count, size_bytes = 0, 0
        while messages:
            count += len(messages)
            size_bytes += self._take_all(messages)
            # One that came alone is not kept waiting by a look for more.
            is_alone = count == 1 and not self._line.has_part()
            is_enough = is_alone or count >= HEARD or size_bytes >= HEARD_BYTES
            messages = [] if is_enough else self._line.receive_some(0)

    def leave(self) -> Iterator[None]:
        """Ends the subscription; adds to the backlog what Redis had sent by then. That may be more than the backlog
        holds: after some of it this waits for the caller to take it in."""
        self._line.send(("UNSUBSCRIBE", self._channel))
        size_bytes = 0
        while (message := self._line.receive())[0] != b"unsubscribe":
            size_bytes += self._take(message)
            if size_bytes >= HEARD_BYTES:
                size_bytes = 0
                yield

    def hear_the_rest(self) -> None:
        """Adds to the backlog what has come by now, whether Redis answers or not."""
        with suppress(redis.ConnectionError, redis.TimeoutError):
            while self._line.is_answered(0):
                self._take(self._line.receive())

    def close(self) -> None:
        """Hangs up."""
        self._line.close()

    def _perform(self, *commands: tuple[str | bytes, ...]) -> None:
        self._line.send(*commands)
        for _ in commands:
            self._line.receive()

    def _take_all(self, messages: list[list[Any]]) -> int:
        """How many bytes the requests among them have."""
        requests = [message[2] for message in messages if message[1] == self._channel and message[0] == b"message"]
        if len(requests) == len(messages):
            # In a flood that is far quicker than one after another.
            self._backlog.extend(requests)
            return sum(map(len, requests))
        return sum(map(self._take, messages))

    def _take(self, message: list[Any]) -> int:
        """How many bytes the request in it has; 0 when it is none."""
        if message[0] == b"message":
            _, channel, data = message
            if channel == self._channel:
                self._backlog.extend((data,))
                return len(data)
            if marker := read_marker(data):
                self._note(marker)
        return 0

    def _note(self, marker: str) -> None:
        self._backlog.mark(marker)
        if token := newcomer(marker):
            self.newcomers.add(token)
