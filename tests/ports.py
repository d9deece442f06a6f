"""TCP ports that nothing listens on yet."""

import socket
from contextlib import ExitStack


def free_ports(count: int) -> list[int]:
    """So many on loopback, each another one: those that are asked for one after another may be the same."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]
