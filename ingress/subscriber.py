"""Hears the tasks channel, and the markers that make its positions known."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import redis

from ingress.backlog import Backlog
from ingress.markers import markers_channel, newcomer, read_marker
from transport.line import Line
from transport.silence import Silence

#: With so many requests heard, or bytes of them, some are taken in before more are looked for. It is more than is
#: sifted at once: a flood is to pile up here, where it can be shed, and not in Redis, which cuts off a subscriber that
#: is far behind.
HEARD = 8192
HEARD_BYTES = 16 * 1024 * 1024

#: After this long without a word from Redis it is asked for one.
PING_S = 5.0

#: In place of a message: that Redis refuses to answer a PING, as it does when its disk is full (MISCONF) or a script
#: does not end (BUSY). So it is there, and what is published comes all the same.
REFUSED = b"refused"


class Subscriber:
    """A subscription to the tasks channel and to the markers' channel beside it, which ends with its connection.

    Raises, where it is begun, heard or left:
        redis.ConnectionError, redis.TimeoutError: the subscription is lost; what is published before the next one is
            not heard.
        redis.ResponseError: Redis lets nobody subscribe; later it is no error.
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

        The marker is published in the same step, for all others to hear just where this subscription begins: a request
        in between would come after the marker for them, and not at all for this one.
        """
        commands = (("PUBLISH", self._markers, marker), ("SUBSCRIBE", self._channel), ("SUBSCRIBE", self._markers))
        try:
            self._perform(("MULTI",), *commands, ("EXEC",))
        except redis.OutOfMemoryError:
            # Redis refuses every transaction then. But commands that it reads together it performs together, too.
            self._line.close()
            self._perform(*commands)
        self._note(marker)
        self._silence.ends()

    def hear(self, silence_s: float) -> None:
        """Adds to the backlog what has come, after waiting up to `silence_s` for the first of it."""
        messages = self._receive_some(silence_s)
        if not messages:
            if self._silence.asks():
                self._line.send(("PING",))
            return
        self._silence.ends()
        count, size_bytes = 0, 0
        while messages:
            count += len(messages)
            size_bytes += self._take_all(messages)
            # A request that came alone does not wait for a look for more.
            is_alone = count == 1 and not self._line.has_part()
            is_enough = is_alone or count >= HEARD or size_bytes >= HEARD_BYTES
            messages = [] if is_enough else self._receive_some(0)

    def leave(self) -> Iterator[None]:
        """Ends the subscription, and adds to the backlog what Redis had sent by then. That may be more than the backlog
        holds: so it yields now and then, for the caller to take some of it in."""
        self._line.send(("UNSUBSCRIBE", self._channel))
        size_bytes = 0
        while (message := self._receive())[0] != b"unsubscribe":
            size_bytes += self._take(message)
            if size_bytes >= HEARD_BYTES:
                size_bytes = 0
                yield

    def hear_the_rest(self) -> None:
        """Adds to the backlog what has come, even over a connection that is lost."""
        with suppress(redis.ConnectionError, redis.TimeoutError):
            while self._line.is_answered(0):
                self._take(self._receive())

    def close(self) -> None:
        """Hangs up."""
        self._line.close()

    def _receive_some(self, silence_s: float) -> list[list[Any]]:
        try:
            return self._line.receive_some(silence_s)
        except redis.ResponseError:
            self._silence.ends()
            return []

    def _receive(self) -> list[Any]:
        try:
            message: list[Any] = self._line.receive()
        except redis.ResponseError:
            return [REFUSED]
        return message

    def _perform(self, *commands: tuple[str | bytes, ...]) -> None:
        self._line.send(*commands)
        for _ in commands:
            self._line.receive()

    def _take_all(self, messages: list[list[Any]]) -> int:
        """Adds the requests among the messages to the backlog; returns how many bytes they have."""
        requests = [message[2] for message in messages if message[1] == self._channel and message[0] == b"message"]
        if len(requests) == len(messages):
            # In a flood this is far faster than one by one.
            self._backlog.extend(requests)
            return sum(map(len, requests))
        return sum(map(self._take, messages))

    def _take(self, message: list[Any]) -> int:
        """The same of one message; 0 when it is no request."""
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
