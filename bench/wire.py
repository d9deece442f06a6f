"""One plain RESP connection: commands packed by hand, replies parsed in C by hiredis.

redis-py spends several times longer on a message than the systems under test may, and would be what is measured.
"""

import socket
from typing import Any
from urllib.parse import urlsplit

import hiredis

RECEIVE_BYTES = 1 << 18


def packed(*words: bytes) -> bytes:
    """A command as Redis reads it."""
    return b"".join([b"*%d\r\n" % len(words), *(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)])


class Wire:
    """A connection to the Redis at `url`, on loopback. Waiting over `timeout_s` for a reply raises TimeoutError."""

    def __init__(self, url: str, timeout_s: float) -> None:
        address = urlsplit(url)
        self._socket = socket.create_connection((address.hostname or "127.0.0.1", address.port or 6379), timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader()

    def send(self, commands: bytes) -> None:
        """Sends packed commands, any number of them, in one go."""
        self._socket.sendall(commands)

    def receive(self) -> list[Any]:
        """All the replies that have arrived whole; waits for the first."""
        replies: list[Any] = []
        while not replies:
            received = self._socket.recv(RECEIVE_BYTES)
            if not received:
                raise ConnectionError("Redis closed the connection of the load driver")
            self._reader.feed(received)
            while (reply := self._reader.gets()) is not False:
                replies.append(reply)
        return replies

    def close(self) -> None:
        """Hangs up."""
        self._socket.close()
