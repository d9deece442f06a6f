"""A connection that is kept for one purpose."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from client.redis_server import RedisServer
from tests.waiting import wait_until
from transport.connection import connect
from transport.line import Line


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


def test_an_error_among_replies_that_come_together_is_raised_when_those_before_it_are_received(
    server: RedisServer,
) -> None:
    with connect(server.url) as client:
        line = Line(client)
        line.send(("ECHO", "a"), ("ECHO", "b"), ("NONSENSE",), ("ECHO", "c"))
        received: list[Any] = []

        def is_all_there() -> bool:
            try:
                received.extend(line.receive_some(0.1))
            except redis.ResponseError:
                received.append("an error")
            return b"c" in received

        wait_until(is_all_there, "the last reply is received")
        line.close()
    assert received == [b"a", b"b", "an error", b"c"]


def test_a_connection_that_was_lost_between_two_calls_is_opened_again(server: RedisServer) -> None:
    with connect(server.url) as client, connect(server.url) as operator:
        line, script = Line(client), client.register_script("return ARGV[1]")
        assert line.call(script, "any", "a") == b"a"
        operator.client_kill_filter(_type="normal", skipme=True)
        assert line.call(script, "any", "b") == b"b"
        line.close()
