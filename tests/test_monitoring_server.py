"""Whoever can reach a port of `monitoring` cannot use up what its process needs for its work."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus

import pytest

from monitoring import server as monitoring_server
from monitoring.server import MOST_ASKING, Page, Server
from tests.waiting import DEADLINE_S, wait_until

QUESTION = b"GET /readyz HTTP/1.0\r\n\r\n"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(socket.AF_INET, ("127.0.0.1", 0), {"/readyz": lambda: Page(HTTPStatus.OK, "text/plain", b"well")})
    yield server
    server.close()


def caller(server: Server) -> socket.socket:
    return socket.create_connection(server.server_address, timeout=DEADLINE_S)  # type: ignore[arg-type]


def answer(connection: socket.socket) -> bytes:
    """Everything that comes until the other side hangs up."""
    return b"".join(iter(lambda: connection.recv(4096), b""))


def is_answered(server: Server) -> bool:
    with caller(server) as connection:
        connection.sendall(QUESTION)
        try:
            return answer(connection).endswith(b"well")
        except ConnectionResetError:
            return False


def test_so_many_may_ask_at_once_and_no_more(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring_server, "REQUEST_S", 60)
    monkeypatch.setattr(server.RequestHandlerClass, "timeout", 60)
    with ExitStack() as stack:
        silent = [stack.enter_context(caller(server)) for _ in range(MOST_ASKING)]
        for _ in range(10):
            assert answer(stack.enter_context(caller(server))) == b""
        silent[0].sendall(QUESTION)
        assert answer(silent[0]).endswith(b"well")
    wait_until(lambda: is_answered(server), "others may ask once those have gone")


def test_who_says_a_byte_at_a_time_is_not_listened_to_for_ever(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring_server, "REQUEST_S", 0.2)
    with caller(server) as slow:
        slow.settimeout(0.01)

        def is_hung_up_on() -> bool:
            try:
                slow.sendall(b"x")
                return bool(slow.recv(1))
            except TimeoutError:
                return False
            except ConnectionError:
                return True

        wait_until(is_hung_up_on, "it is not listened to any more")
