"""Messages wait for their turn, so that nobody's wait behind those of a user or of a task type that floods."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.brokers.redis import RedisBroker

from client.redis_server import RedisServer
from tests.consumers import next_of
from tests.redis_under_test import key_prefix, stock_broker
from tests.waiting import wait_until
from transport.connection import connect
from transport.messages import REPLY_OPTION, Delivery
from transport.redis_broker import CallboardBroker

TIMEOUT_MS = 50

#: More than a worker takes at once.
MANY = 40


@pytest.fixture
def broker(redis_server: RedisServer, client: "redis.Redis") -> Iterator[CallboardBroker]:
    """One with which messages wait in lanes when four wait already; at the end nothing may be left of them."""
    broker = broker_on(redis_server, fair_backlog=4)
    yield broker
    broker.close()
    broker.client.close()


def broker_on(server: RedisServer, **options: Any) -> CallboardBroker:
    broker = CallboardBroker(connect(server.url), middleware=[], key_prefix=key_prefix(server.url), **options)
    broker.declare_queue("default")
    return broker


def send(broker: CallboardBroker, user_id: str | int, task_type: str = "any", **sending: Any) -> str:
    """Returns the message id."""
    message: dramatiq.Message[Any] = dramatiq.Message(
        "default", task_type, (), {}, {REPLY_OPTION: {"user_id": user_id}}
    )
    return broker.enqueue(message, **sending).message_id


def perform(broker: CallboardBroker, count: int) -> list[Delivery]:
    """What a worker gets next and is done with, in this order; fewer when there are no more."""
    consumer = broker.consume("default", prefetch=4, timeout=TIMEOUT_MS)
    performed: list[Delivery] = []
    while len(performed) < count and broker.length("default"):
        performed.append(next_of(consumer))
        consumer.ack(performed[-1])
    consumer.requeue(())
    return performed


def users(performed: list[Delivery]) -> list[Any]:
    return [delivery.sender.user_id for delivery in performed]


def test_a_users_first_message_overtakes_those_of_one_who_floods(broker: CallboardBroker) -> None:
    for _ in range(MANY):
        send(broker, "flooder")
    send(broker, "other")
    assert "other" in users(perform(broker, 8))
    assert len(perform(broker, MANY)) == MANY - 7


def test_the_first_message_of_a_task_type_overtakes_those_of_one_that_many_users_flood(
    broker: CallboardBroker,
) -> None:
    for number in range(MANY):
        send(broker, number, "flooded")
    send(broker, "other", "rare")
    assert "other" in users(perform(broker, 8))
    assert len(perform(broker, MANY)) == MANY - 7


def test_users_who_wait_take_turns(broker: CallboardBroker) -> None:
    for user_id in ("in front", 7, "7", 'with "quotes": and colons'):
        for _ in range(4):
            send(broker, user_id)
    counts = Counter(users(perform(broker, 10)))
    assert all(counts[user_id] >= 2 for user_id in (7, "7", 'with "quotes": and colons'))
    assert len(perform(broker, MANY)) == 6


@pytest.fixture
def stock(redis_server: RedisServer) -> Iterator[RedisBroker]:
    """That of a program which knows nothing of lanes."""
    broker = stock_broker(redis_server.url)
    broker.declare_queue("default")
    yield broker
    broker.client.close()


def empty_list(stock: RedisBroker, messages: int) -> None:
    consumer = stock.consume("default", prefetch=messages, timeout=TIMEOUT_MS)
    for _ in range(messages):
        message = wait_until(lambda: next(consumer), "the stock worker has a message")
        assert message is not None
        consumer.ack(message)


def test_a_worker_that_starts_finds_what_a_stock_worker_has_left_in_lanes(
    broker: CallboardBroker, stock: RedisBroker
) -> None:
    for _ in range(10):
        send(broker, "flooder")
    empty_list(stock, 4)
    assert len(perform(broker, MANY)) == 6


def test_a_worker_that_was_busy_finds_what_a_stock_worker_has_left_in_lanes(
    broker: CallboardBroker, stock: RedisBroker
) -> None:
    send(broker, "early")
    consumer = broker.consume("default", prefetch=1, timeout=TIMEOUT_MS)
    at_work = next_of(consumer)
    for _ in range(10):
        send(broker, "flooder")
    empty_list(stock, 4)
    consumer.ack(at_work)
    consumer.ack(next_of(consumer))
    consumer.requeue(())
    assert len(perform(broker, MANY)) == 5


def test_what_is_sent_to_a_queue_that_a_stock_program_has_flushed_is_found(
    broker: CallboardBroker, stock: RedisBroker
) -> None:
    for _ in range(10):
        send(broker, "flooder")
    stock.flush("default")
    send(broker, "later")
    consumer = broker.consume("default", prefetch=8, timeout=TIMEOUT_MS)
    delivery = next_of(consumer)
    assert delivery.sender.user_id == "later"
    consumer.ack(delivery)
    turns = f"{broker.namespace}:default.turns"
    wait_until(lambda: not (next(consumer) or broker.client.exists(turns)), "nothing is left in lanes")
    consumer.requeue(())


def test_a_users_messages_in_a_lane_keep_their_order(broker: CallboardBroker) -> None:
    for _ in range(4):
        send(broker, "in front")
    sent = [send(broker, "me") for _ in range(10)]
    mine = [one.message_id for one in perform(broker, MANY) if one.sender.user_id == "me"]
    assert mine == sent


def test_a_message_to_wake_a_worker_is_in_the_list_as_long_as_others_wait_in_lanes(
    broker: CallboardBroker, client: "redis.Redis"
) -> None:
    for _ in range(MANY):
        send(broker, "flooder")
    performed = 0
    while client.exists("dramatiq:default.turns"):
        assert client.llen("dramatiq:default") > 0
        performed += len(perform(broker, 1))
    assert performed + len(perform(broker, MANY)) == MANY


def test_what_a_dead_worker_took_from_lanes_is_performed_by_another_one(
    broker: CallboardBroker, redis_server: RedisServer, client: "redis.Redis"
) -> None:
    for user_id in range(MANY):
        send(broker, user_id)
    dead = broker_on(redis_server)
    consumer = dead.consume("default", prefetch=16, timeout=TIMEOUT_MS)
    next_of(consumer)
    consumer.close()
    client.delete(f"dramatiq:__alive__.{dead.broker_id}")
    perform(broker, 1)
    client.set("dramatiq:__looked__", "", px=60_000)
    broker.maintain()
    assert len(perform(broker, MANY)) == MANY - 1
    dead.client.close()


def test_another_attempt_waits_for_its_turn_too(broker: CallboardBroker, client: "redis.Redis") -> None:
    for _ in range(MANY):
        send(broker, "flooder")
    consumer = broker.consume("default", prefetch=4, timeout=TIMEOUT_MS)
    delivery = next_of(consumer)
    before = client.llen('dramatiq:default.lane:"flooder":any')
    broker.enqueue(delivery)  # type: ignore[arg-type]
    consumer.ack(delivery)
    assert client.llen('dramatiq:default.lane:"flooder":any') == before + 1
    consumer.requeue(())
    assert len(perform(broker, MANY + 1)) == MANY


def test_a_delayed_message_waits_for_its_time_and_not_for_a_turn(
    broker: CallboardBroker, client: "redis.Redis"
) -> None:
    for _ in range(8):
        send(broker, "flooder", delay=60_000)
    assert client.llen("dramatiq:default.DQ") == 8
    client.delete("dramatiq:default.DQ", "dramatiq:default.DQ.msgs")


def test_without_a_fair_backlog_messages_wait_in_the_order_in_which_they_came(
    redis_server: RedisServer, client: "redis.Redis"
) -> None:
    broker = broker_on(redis_server, fair_backlog=0)
    for user_id in range(MANY):
        send(broker, user_id)
    assert client.llen("dramatiq:default") == MANY
    assert users(perform(broker, MANY)) == list(range(MANY))
    broker.close()
    broker.client.close()
