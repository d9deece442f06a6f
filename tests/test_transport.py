"""What the transport promises, on a real Redis."""

import json
import threading
from collections.abc import Iterator
from itertools import count
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.common import current_millis
from dramatiq.worker import _WorkQueueItem

from client.redis_server import RedisServer
from tests.consumers import next_of
from tests.redis_under_test import key_prefix, stock_broker
from tests.waiting import wait_until
from transport.answers import Answer, Claim
from transport.arrivals import Admitted, Origin, TakenIn
from transport.completion import Completion, Ending
from transport.connection import connect
from transport.feed import Feed
from transport.messages import seal
from transport.redis_broker import CallboardBroker

#: How long a consumer waits for what is not to come.
TIMEOUT_MS = 200


@pytest.fixture
def broker(redis_server: RedisServer, client: "redis.Redis") -> Iterator[CallboardBroker]:
    broker = broker_on(redis_server)
    broker.declare_queue("default")
    yield broker
    broker.client.close()
    # What the test has left waiting or in hand. Anything else without a TTL is a leak, which `client` looks for.
    for queue_name in ("default", "default.DQ"):
        in_hand = f"dramatiq:__acks__.{broker.broker_id}.{queue_name}"
        client.delete(f"dramatiq:{queue_name}", f"dramatiq:{queue_name}.msgs", f"dramatiq:{queue_name}.later", in_hand)


def broker_on(server: RedisServer) -> CallboardBroker:
    return CallboardBroker(connect(server.url), middleware=[], key_prefix=key_prefix(server.url))


def message(**options: Any) -> dramatiq.Message[Any]:
    return dramatiq.Message(queue_name="default", actor_name="any", args=(), kwargs={}, options=options)


def test_scripts_that_redis_has_lost_are_loaded_again(broker: CallboardBroker, client: "redis.Redis") -> None:
    broker.enqueue(message())
    client.script_flush()
    broker.enqueue(message())
    assert client.llen("dramatiq:default") == 2


def test_a_message_comes_out_as_it_went_in(broker: CallboardBroker) -> None:
    sent = broker.enqueue(message(max_age=7))
    received = next_of(broker.consume("default", timeout=TIMEOUT_MS))
    assert received.asdict() == sent.asdict()


def test_an_empty_queue_gives_nothing_in_time(broker: CallboardBroker) -> None:
    assert next(broker.consume("default", timeout=TIMEOUT_MS)) is None


def test_a_waiting_consumer_is_woken_by_a_stock_broker(broker: CallboardBroker, redis_server: RedisServer) -> None:
    consumer = broker.consume("default", timeout=10_000)
    received: list[Any] = []
    waiting = threading.Thread(target=lambda: received.append(next(consumer)))
    waiting.start()
    stock = stock_broker(redis_server.url)
    sent = stock.enqueue(message())
    waiting.join()
    assert received[0].message_id == sent.message_id
    stock.client.close()


def test_no_more_than_there_are_threads_are_out_at_once(broker: CallboardBroker) -> None:
    for _ in range(3):
        broker.enqueue(message())
    consumer = broker.consume("default", prefetch=4, timeout=TIMEOUT_MS)  # of which Dramatiq has two a thread
    first, _ = next_of(consumer), next_of(consumer)
    assert next(consumer) is None
    consumer.ack(first)
    next_of(consumer)


def test_a_worker_holds_more_while_messages_end_fast_and_gives_back_what_it_cannot_end_soon(
    broker: CallboardBroker, client: "redis.Redis"
) -> None:
    consumer = broker.consume("default", prefetch=4, timeout=TIMEOUT_MS)

    def take() -> int:
        """As Dramatiq's consumer thread does it; how many messages wait for a thread then."""
        if (delivery := next(consumer)) is not None:
            broker.work_queue.put(_WorkQueueItem(0, delivery))
        return broker.work_queue.qsize()

    def end_many() -> bool:
        for _ in range(100):
            broker.enqueue(message())
            if take():
                consumer.ack(broker.work_queue.get().message)
        return consumer.prefetch > 4

    def takes_more() -> bool:
        wait_until(end_many, "it wants more than Dramatiq's prefetch")
        while broker.length("default") < 10:
            broker.enqueue(message())
        # On a machine that stands still meanwhile, no message has ended lately.
        return any(take() > 4 for _ in range(6))

    wait_until(takes_more, "it has taken more than that")
    acks = f"dramatiq:__acks__.{broker.broker_id}.default"
    wait_until(lambda: client.scard(acks) == take() == 2, "it has given back what it has no thread for")
    assert client.llen("dramatiq:default") == broker.length("default") - client.scard(acks)


def test_an_answer_is_sent_with_the_acknowledgement_and_only_once(
    broker: CallboardBroker, client: "redis.Redis", redis_server: RedisServer
) -> None:
    sent = broker.enqueue(message())
    next_of(broker.consume("default", timeout=TIMEOUT_MS))
    completion = Completion(broker.client, broker.namespace, broker.broker_id, "events", fair_backlog=64)
    key = f"{key_prefix(redis_server.url)}callboard:outcome:x"
    answer = Answer(b"done", channels=("results", "results:me"), keys=((key, 60),))
    with client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe("results", "results:me")
        for _ in range(2):
            completion.complete(Ending("default", sent.options["redis_message_id"], dead=False, answer=answer))
        client.publish("results", b"the end")
        heard = []
        while b"the end" not in heard:
            if published := listener.get_message(timeout=1):
                heard.append(published["data"])
    assert heard == [b"done", b"done", b"the end"]
    assert client.get("callboard:outcome:x") == b"done"
    assert client.hlen("dramatiq:default.msgs") == 0


def test_a_closed_broker_has_handed_back_what_it_held_and_answers_no_more(
    broker: CallboardBroker, client: "redis.Redis"
) -> None:
    sent = broker.enqueue(message())
    consumer = broker.consume("default", timeout=TIMEOUT_MS)
    late = next_of(consumer)
    broker.close()
    assert client.lrange("dramatiq:default", 0, -1) == [sent.options["redis_message_id"].encode()]
    late.answer = Answer(b"late", channels=(), keys=(("callboard:outcome:late", 60),))
    consumer.ack(late)
    assert not client.exists("callboard:outcome:late")
    assert client.llen("dramatiq:default") == 1


def test_a_failed_message_becomes_a_dead_letter(broker: CallboardBroker, client: "redis.Redis") -> None:
    sent = broker.enqueue(message())
    consumer = broker.consume("default", timeout=TIMEOUT_MS)
    consumer.nack(next_of(consumer))
    assert client.zcard("dramatiq:default.XQ") == 1
    assert client.hexists("dramatiq:default.XQ.msgs", sent.options["redis_message_id"])
    assert client.hlen("dramatiq:default.msgs") == 0


@pytest.mark.parametrize(
    "entry",
    [
        b"\xff not a message",
        b"[1]",
        b'{"queue_name": "default"}',
        b'{"queue_name": "default", "actor_name": "a", "args": [], "kwargs": {}, "options": 5}',
        b'{"queue_name": "other", "actor_name": "a", "args": [], "kwargs": {}, "options": {}}',
        b'{"queue_name": "default", "args": [' + b"1" * 5_000 + b"]}",
        b"[" * 3_000 + b"]" * 3_000,
    ],
    ids=["not JSON", "not an object", "fields missing", "options a number", "another queue's", "5000 digits", "deep"],
)
def test_an_entry_that_is_no_message_becomes_a_dead_letter(
    broker: CallboardBroker, client: "redis.Redis", entry: bytes
) -> None:
    client.hset("dramatiq:default.msgs", "broken", entry)
    client.rpush("dramatiq:default", "broken")
    sent = broker.enqueue(message())
    received = next_of(broker.consume("default", prefetch=2, timeout=TIMEOUT_MS))
    assert received.message_id == sent.message_id
    assert client.hkeys("dramatiq:default.XQ.msgs") == client.zrange("dramatiq:default.XQ", 0, -1) == [b"broken"]


@pytest.mark.parametrize("redis_message_id", [b"\xff\xfe", b""], ids=["no text", "empty"])
def test_an_entry_whose_id_is_no_name_is_ended_like_any_other(
    broker: CallboardBroker, client: "redis.Redis", redis_message_id: bytes
) -> None:
    def put(entry: bytes) -> None:
        client.hset("dramatiq:default.msgs", redis_message_id, entry)
        client.lpush("dramatiq:default", redis_message_id)

    consumer = broker.consume("default", prefetch=2, timeout=TIMEOUT_MS)
    neighbour, readable = broker.enqueue(message()), message()
    put(b"\xff not a message")
    for sent in (neighbour, readable):
        received = next_of(consumer)
        assert received.message_id == sent.message_id
        consumer.ack(received)
        if sent is neighbour:
            put(readable.encode())
    assert client.hlen("dramatiq:default.msgs") == 0
    assert client.zcard("dramatiq:default.XQ") == client.hlen("dramatiq:default.XQ.msgs") == 1


def test_a_consumer_that_starts_anew_finds_what_its_predecessor_had_fetched(broker: CallboardBroker) -> None:
    sent = [broker.enqueue(message()) for _ in range(3)]
    in_hand = next_of(broker.consume("default", prefetch=6, timeout=TIMEOUT_MS))
    consumer = broker.consume("default", prefetch=6, timeout=TIMEOUT_MS)
    found = [next_of(consumer) for _ in range(2)]
    assert in_hand.message_id not in {delivery.message_id for delivery in found}
    assert {delivery.message_id for delivery in [in_hand, *found]} == {one.message_id for one in sent}


def test_a_delayed_message_that_a_lost_consumer_held_is_not_forgotten(broker: CallboardBroker) -> None:
    sent = broker.enqueue(message(), delay=20_000)
    next_of(broker.consume("default.DQ", timeout=TIMEOUT_MS))
    again = next_of(broker.consume("default.DQ", timeout=TIMEOUT_MS))
    assert again.message_id == sent.message_id


def test_one_of_many_waiting_workers_is_woken(broker: CallboardBroker, redis_server: RedisServer) -> None:
    brokers = [broker_on(redis_server) for _ in range(3)]
    feeds = [Feed(one.client, one.namespace, "default", one.broker_id, count(1)) for one in brokers]
    assert [feed.fetch(1, 0) for feed in feeds] == [[], [], []]
    broker.enqueue(message())
    woken = wait_until(lambda: [feed for feed in feeds if feed.fetch(1, 0)], "a worker is woken")
    assert len(woken) == 1
    for one, feed in zip(brokers, feeds, strict=True):
        feed.close()
        feed.put_back(())
        one.client.close()


def test_a_question_that_nobody_hears_the_answer_of_takes_no_message(broker: CallboardBroker) -> None:
    lost = broker.consume("default", timeout=TIMEOUT_MS)
    assert next(lost) is None
    # Redis does not know that its connection is lost, and so its question comes first.
    consumer = broker.consume("default", timeout=TIMEOUT_MS)
    assert next(consumer) is None
    sent = broker.enqueue(message())
    received = next_of(consumer)
    assert received.message_id == sent.message_id
    lost.close()
    consumer.close()


def test_a_delayed_message_is_not_held_up_by_others_that_are_due_later(
    broker: CallboardBroker, client: "redis.Redis"
) -> None:
    for delay_ms in (25_000, 25_000, 25_000, 500):
        last = broker.enqueue(message(), delay=delay_ms)
    consumer = broker.consume("default.DQ", prefetch=2, timeout=TIMEOUT_MS)
    assert last.message_id in [next_of(consumer).message_id for _ in range(3)]
    assert client.zcard("dramatiq:default.DQ.later") == 1


def test_no_more_delayed_messages_are_held_than_twice_the_prefetch(
    broker: CallboardBroker, client: "redis.Redis"
) -> None:
    for _ in range(6):
        broker.enqueue(message(), delay=10_000)
    consumer = broker.consume("default.DQ", prefetch=2, timeout=TIMEOUT_MS)
    for _ in range(4):
        next_of(consumer)
    assert next(consumer) is None
    assert client.llen("dramatiq:default.DQ") == 2


def test_a_message_due_much_later_on_a_queue_of_its_own_is_handed_out_to_be_held(broker: CallboardBroker) -> None:
    sent = broker.enqueue(message(eta=current_millis() + 3_600_000))
    received = next_of(broker.consume("default", timeout=TIMEOUT_MS))
    assert received.message_id == sent.message_id


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"actor_name": ["any"]}, id="actor"),
        pytest.param({"options": {"callboard": {"user_id": "u", "reply_to": [5]}}}, id="reply_to"),
        pytest.param({"options": {"callboard": {"user_id": "\ud800"}}}, id="user_id"),
    ],
)
def test_an_entry_that_could_not_be_answered_is_a_dead_letter(
    broker: CallboardBroker, client: "redis.Redis", odd: dict[str, Any]
) -> None:
    entry = message().asdict() | odd
    client.hset("dramatiq:default.msgs", "odd", json.dumps(entry))
    client.rpush("dramatiq:default", "odd")
    consumer = broker.consume("default", timeout=TIMEOUT_MS)
    is_dead = "it is a dead letter"
    wait_until(lambda: next(consumer) is None and client.zscore("dramatiq:default.XQ", "odd"), is_dead)
    client.delete("dramatiq:default.XQ", "dramatiq:default.XQ.msgs")


def test_a_request_that_redis_refuses_something_takes_no_other_one_along(
    broker: CallboardBroker, client: "redis.Redis"
) -> None:
    client.rpush("callboard:request:odd", "a list, where a claim should be")
    client.expire("callboard:request:odd", 60)
    claims = [None, Claim("callboard:request:odd", 60, "callboard:outcome:odd", ()), None]
    burst = [Admitted(seal(message()), b"{}", claim) for claim in claims]
    assert broker.take_in(burst, Origin()) == TakenIn({"default": 2}, refused=(1,))
    assert client.llen("dramatiq:default") == 2


def test_a_request_that_could_not_be_put_on_its_queue_may_come_again(
    broker: CallboardBroker, client: "redis.Redis", redis_server: RedisServer
) -> None:
    prefix = key_prefix(redis_server.url)
    claim = Claim(f"{prefix}callboard:request:again", 60, f"{prefix}callboard:outcome:again", ())
    admitted = Admitted(seal(message()), b"{}", claim)
    client.set("dramatiq:default", "no list", ex=60)
    assert broker.take_in([admitted], Origin()).refused == (0,)
    client.delete("dramatiq:default")
    assert broker.take_in([admitted], Origin()) == TakenIn({"default": 1}, refused=())
    assert client.llen("dramatiq:default") == 1


def test_a_redis_without_blmove_is_polled(client: "redis.Redis", redis_server: RedisServer) -> None:
    without = RedisServer("--rename-command", "BLMOVE", "")
    with without, redis.Redis.from_url(without.url) as old:
        broker = CallboardBroker(old, middleware=[])
        consumer = broker.consume("default", timeout=TIMEOUT_MS)
        assert next(consumer) is None
        sent = broker.enqueue(message())
        received = next_of(consumer)
        assert received.message_id == sent.message_id
        consumer.close()


def test_another_attempt_is_enqueued_in_the_step_that_ends_the_one_before(
    broker: CallboardBroker, client: "redis.Redis"
) -> None:
    broker.enqueue(message())
    consumer = broker.consume("default", timeout=TIMEOUT_MS)
    delivery = next_of(consumer)
    broker.enqueue(delivery, delay=60_000)  # type: ignore[arg-type]
    assert client.llen("dramatiq:default.DQ") == 0
    consumer.ack(delivery)
    assert client.llen("dramatiq:default.DQ") == 1
    assert client.hlen("dramatiq:default.msgs") == 0
