"""When an ingress takes a queue to be full."""

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
