"""What running tasks have to tell goes the same way as how they end, on a real Redis."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.middleware import CurrentMessage

from client.redis_server import RedisServer
from tests.consumers import next_of
from tests.redis_under_test import key_prefix
from tests.waiting import wait_until
from transport.bulletin import Report
from transport.connection import connect
from transport.messages import Delivery
from transport.redis_broker import CallboardBroker

PAUSE_MS = 60_000


@pytest.fixture
def broker(redis_server: RedisServer, client: "redis.Redis") -> Iterator[CallboardBroker]:
    broker = CallboardBroker(connect(redis_server.url), middleware=[], key_prefix=key_prefix(redis_server.url))
    broker.declare_queue("default")
    yield broker
    broker.close()
    broker.client.close()
    client.delete("dramatiq:default", "dramatiq:default.msgs")


def test_what_ends_while_news_is_on_its_way_is_sent_though_that_gets_lost(
    broker: CallboardBroker, client: "redis.Redis"
) -> None:
    for _ in range(2):
        broker.enqueue(dramatiq.Message("default", "any", args=(), kwargs={}, options={}))
    consumer = broker.consume("default", prefetch=4)
    running, ending = next(consumer), next(consumer)
    assert isinstance(running, Delivery)
    assert isinstance(ending, Delivery)

    def work() -> None:
        client.client_pause(PAUSE_MS, all=False)
        announcing = threading.Thread(target=announce_in_vain, args=[broker])
        announcing.start()
        (connection_id,) = wait_until(lambda: held_back(client), "Redis holds the news back")
        consumer.ack(ending)
        client.client_kill_filter(_id=connection_id)
        announcing.join()
        client.client_unpause()

    perform(broker, running, work)
    assert broker.length("default") == 2
    broker.announce()
    assert broker.length("default") == 1


def test_while_redis_is_away_what_a_task_tells_is_kept_once() -> None:
    with RedisServer() as server, connect(server.url) as client:
        broker = CallboardBroker(connect(server.url), middleware=[])
        broker.enqueue(dramatiq.Message("default", "any", args=(), kwargs={}, options={}))
        running = next_of(broker.consume("default"))

        def work() -> None:
            server.stop()
            for done in range(20):
                running.bulletin.report(Report(done, 20, None))
                announce_in_vain(broker)
            server.start()
            client.config_resetstat()
            broker.announce()

        perform(broker, running, work)
        # For each piece of news Redis is asked whether it is of a message that is still this worker's.
        assert client.info("commandstats")["cmdstat_sismember"]["calls"] == 1
        broker.client.close()


def announce_in_vain(broker: CallboardBroker) -> None:
    with suppress(redis.ConnectionError):
        broker.announce()


def held_back(client: "redis.Redis") -> list[str]:
    """The ids of the connections whose scripts Redis does not run now."""
    connections: Any = client.client_list()
    return [one["id"] for one in connections if one["cmd"] == "evalsha" and "b" in one["flags"]]


def perform(broker: CallboardBroker, delivery: Delivery, work: Callable[[], None]) -> None:
    """As a worker does."""
    current = CurrentMessage()
    current.before_process_message(broker, delivery)
    try:
        broker.stage.perform(work)
    finally:
        current.after_process_message(broker, delivery)
