"""How an ingress reads the stream of requests."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from client.redis_server import RedisServer
from ingress.queue_bound import QueueBound
from ingress.tasks_stream import READ, READ_BYTES, TasksStreamReader
from tests.replicas import refusing_intake
from tests.samples import request_bytes
from tests.waiting import wait_until
from transport.arrivals import GROUP, Origin
from transport.connection import StopRequest, connect
from transport.redis_broker import CallboardBroker
from transport.watchdog import Watchdog

STREAM = "tasks:stream"


@pytest.fixture
def own_redis() -> Iterator["redis.Redis"]:
    with RedisServer() as server, connect(server.url) as client:
        yield client


def reader_on(client: "redis.Redis", stop: StopRequest) -> TasksStreamReader:
    broker = CallboardBroker(client, middleware=[])
    bound = QueueBound(broker, 1_000_000)
    return TasksStreamReader(client, STREAM, refusing_intake(broker, bound, stop), stop, bound, Watchdog())


def test_of_large_requests_fewer_are_read_together(own_redis: "redis.Redis") -> None:
    reader = reader_on(own_redis, StopRequest())
    assert reader.count == READ
    large = request_bytes(text="x" * 500_000)
    reader.take([(large, "")] * 2, Origin())
    assert reader.count == READ_BYTES // (len(large) + 1)
    reader.take([(request_bytes(), "")], Origin())
    assert reader.count == READ


def test_whoever_has_read_nothing_for_long_is_forgotten_but_not_with_entries_that_it_holds(
    own_redis: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingress.stream.FORGET_MS", -1)
    own_redis.xadd(STREAM, {"request": "{}"})
    own_redis.xgroup_create(STREAM, GROUP, id="0")
    # In the order in which Redis names them.
    own_redis.xreadgroup(GROUP, "a-holder", {STREAM: ">"})
    own_redis.xgroup_createconsumer(STREAM, GROUP, "b-idle")

    def consumers() -> set[bytes]:
        found: Any = own_redis.xinfo_consumers(STREAM, GROUP)
        return {consumer["name"] for consumer in found}

    stop = StopRequest()
    reading = threading.Thread(target=reader_on(own_redis, stop).run, daemon=True)
    reading.start()
    wait_until(lambda: b"b-idle" not in consumers(), "it is forgotten")
    assert b"a-holder" in consumers()
    stop.request()
    reading.join()
