"""When an ingress takes a queue to be full."""

from loguru import logger

from client.redis_server import RedisServer
from ingress.queue_bound import QueueBound
from tests.waiting import wait_until
from transport.connection import connect
from transport.redis_broker import CallboardBroker


def test_a_queue_that_stays_full_keeps_no_other_one_full() -> None:
    with RedisServer() as server, connect(server.url) as client:
        bound = QueueBound(CallboardBroker(client, []), limit=1)
        client.hset("dramatiq:slow.msgs", "id", "message")
        bound.note({"slow": 1, "fast": 1})

        def only_one_is() -> bool:
            return bound.is_full("slow") and not bound.is_full("fast")

        wait_until(only_one_is, "the queue that was emptied has room")


def test_the_log_says_which_queue_holds_the_stream_back_and_not_at_each_look() -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, format="{message}")
    try:
        with RedisServer() as server, connect(server.url) as client:
            bound = QueueBound(CallboardBroker(client, []), limit=1)
            client.hset("dramatiq:slow.msgs", "id", "message")
            bound.note({"slow": 1, "fast": 1})
            wait_until(lambda: bound.is_any_full() and not bound.is_full("fast"), "both were looked at")
            bound.note({"slow": 1, "fast": 0})
            looks = [bound.is_any_full() for _ in range(100)]
    finally:
        logger.remove(sink)
    assert all(looks)
    (line,) = lines
    assert "Queue 'slow' is at its bound of 1 messages" in line
