"""A Redis that says nothing."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from client.redis_server import RedisServer


@contextmanager
def silent(server: RedisServer) -> Iterator[None]:
    """The server keeps its connections and answers nothing until the context ends."""
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)
