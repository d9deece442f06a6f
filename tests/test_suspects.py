"""How messages are begun once more that were in the hands of a worker when it died, and when no more."""

from itertools import count

import pytest

from client.redis_server import RedisServer
from contract import ErrorCode
from tests.consumers import next_of
from tests.fleet import TIMEOUT_MS, Fleet, consume, look, perform
from tests.redis_under_test import stock_broker
from tests.waiting import wait_until
from transport.feed import Feed
from transport.redis_broker import KILLS_ITS_WORKERS, CallboardBroker


def end_condemned(fleet: Fleet, broker: CallboardBroker) -> None:
    """Has this worker end a message that is condemned."""
    consumer = broker.consume("default", timeout=TIMEOUT_MS)
    wait_until(lambda: next(consumer) or fleet.verdicts.heard, "it is ended")
    consumer.close()


def two_deaths(fleet: Fleet, count: int = 1) -> list[str]:
    """Sends so many messages, with which one worker dies after another; returns their ids."""
    sent = fleet.send(count)
    for _ in range(2):
        fleet.die_with_messages(count)
    return sent


def test_what_a_stock_worker_ends_is_not_suspected_for_ever(fleet: Fleet, redis_server: RedisServer) -> None:
    fleet.send()
    fleet.die_with_messages()
    stock = stock_broker(redis_server.url)
    stock.do_fetch("default", 1)
    stock.do_ack("default", *fleet.client.hkeys("dramatiq:default.suspects"))
    assert fleet.client.ttl("dramatiq:default.suspects") > 0


def test_a_message_whose_worker_dies_three_times_is_a_dead_letter(fleet: Fleet) -> None:
    fleet.send()
    for _ in range(3):
        assert not fleet.verdicts.heard
        fleet.die_with_messages()
    end_condemned(fleet, fleet.worker())
    assert fleet.verdicts.heard == [(ErrorCode.FAILED, KILLS_ITS_WORKERS)]
    assert fleet.client.zcard("dramatiq:default.XQ") == 1
    assert fleet.client.hlen("dramatiq:default.msgs") == 0
    assert not fleet.client.exists("dramatiq:default.suspects")


def test_a_condemned_message_is_ended_once_when_the_worker_that_was_to_end_it_has_died(fleet: Fleet) -> None:
    fleet.send()
    for _ in range(3):
        fleet.die_with_messages()
    dying, living = fleet.worker(), fleet.worker()
    assert not look(dying, "default.DQ")  # It is known now, and has not fetched the message.
    feed = Feed(dying.client, dying.namespace, "default", dying.broker_id, count(1))
    wait_until(lambda: feed.fetch(1, 0), "it has fetched the message")
    feed.close()
    assert not look(living)
    fleet.kill(dying)
    fleet.look_after(living)
    end_condemned(fleet, living)
    fleet.look_after(living)
    assert not look(living)
    assert fleet.verdicts.heard == [(ErrorCode.FAILED, KILLS_ITS_WORKERS)]
    assert fleet.client.zcard("dramatiq:default.XQ") == 1
    assert fleet.client.hlen("dramatiq:default.msgs") == 0


@pytest.mark.parametrize("begun", [-1, 0], ids=["by a worker that was taken for dead", "by one of an older version"])
def test_a_condemned_message_that_is_begun_all_the_same_stays_condemned(fleet: Fleet, begun: int) -> None:
    fleet.send()
    fleet.die_with_messages()
    dying, living = fleet.worker(), fleet.worker()
    (delivery,) = consume(dying)
    assert not look(living)
    fleet.client.hset("dramatiq:default.suspects", delivery.redis_message_id, begun)
    Feed(dying.client, dying.namespace, "default", dying.broker_id, count(1)).count_beginning(delivery.redis_message_id)
    assert fleet.client.hvals("dramatiq:default.suspects") == [str(begun).encode()]
    fleet.kill(dying)
    fleet.look_after(living)
    end_condemned(fleet, fleet.worker())
    assert fleet.verdicts.heard == [(ErrorCode.FAILED, KILLS_ITS_WORKERS)]


def test_messages_that_one_worker_has_died_with_are_begun_together(fleet: Fleet) -> None:
    fleet.send(3)
    fleet.die_with_messages(3)
    assert len(perform(fleet.worker(), count=3)) == 3
    assert not fleet.client.exists("dramatiq:default.suspects")


def test_messages_that_two_workers_have_died_with_are_begun_one_at_a_time(fleet: Fleet) -> None:
    two_deaths(fleet, 2)
    consumer = fleet.worker().consume("default", prefetch=4, timeout=TIMEOUT_MS)
    first = next_of(consumer)
    assert [next(consumer) for _ in range(3)] == [None] * 3
    consumer.ack(first)
    consumer.ack(next_of(consumer))
    assert not fleet.client.exists("dramatiq:default.suspects")


def test_nothing_is_begun_beside_what_two_workers_have_died_with(fleet: Fleet) -> None:
    two_deaths(fleet)
    consumer = fleet.worker().consume("default", prefetch=4, timeout=TIMEOUT_MS)
    alone = next_of(consumer)
    (fresh,) = fleet.send()
    assert [next(consumer) for _ in range(3)] == [None] * 3
    consumer.ack(alone)
    found = next_of(consumer)
    assert found.message_id == fresh
    consumer.ack(found)


def test_what_two_workers_have_died_with_is_begun_when_the_others_have_ended(fleet: Fleet) -> None:
    worker = fleet.worker()
    consumer = worker.consume("default", prefetch=8, timeout=TIMEOUT_MS)
    fleet.send()
    before = next_of(consumer)
    (twice,) = two_deaths(fleet)
    assert [next(consumer) for _ in range(3)] == [None] * 3
    consumer.ack(before)
    alone = next_of(consumer)
    assert alone.message_id == twice
    consumer.ack(alone)


def test_a_long_task_that_is_to_be_alone_keeps_others_waiting_for_a_while_only(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_deaths(fleet)
    monkeypatch.setattr("transport.quiet.QUIET_S", 0.0)
    consumer = fleet.worker().consume("default", prefetch=4, timeout=TIMEOUT_MS)
    alone = next_of(consumer)
    (fresh,) = fleet.send()
    found = next_of(consumer)
    assert found.message_id == fresh
    consumer.ack(alone)
    consumer.ack(found)


def test_of_those_that_are_to_be_alone_each_worker_takes_one(fleet: Fleet) -> None:
    two_deaths(fleet, 3)
    one, another = (fleet.worker().consume("default", prefetch=8, timeout=TIMEOUT_MS) for _ in range(2))
    first = next_of(one)
    assert next(one) is None
    second = next_of(another)
    assert next(another) is None
    one.ack(first)
    third = next_of(one)
    one.ack(third)
    another.ack(second)
    assert not fleet.client.exists("dramatiq:default.suspects")


def test_what_one_worker_has_died_with_is_not_begun_beside_what_two_have(fleet: Fleet) -> None:
    fleet.send(3)
    fleet.die_with_messages(3)
    twice, *once = fleet.client.hkeys("dramatiq:default.suspects")
    fleet.client.hset("dramatiq:default.suspects", twice, 2)
    consumer = fleet.worker().consume("default", prefetch=8, timeout=TIMEOUT_MS)
    together = [next_of(consumer) for _ in range(2)]
    assert {delivery.redis_message_id.encode() for delivery in together} == set(once)
    consumer.ack(together[0])
    assert [next(consumer) for _ in range(3)] == [None] * 3
    consumer.ack(together[1])
    alone = next_of(consumer)
    assert alone.redis_message_id.encode() == twice
    consumer.ack(alone)


def test_what_is_begun_alone_is_so_in_all_queues_of_its_worker(fleet: Fleet) -> None:
    fleet.send(queue_name="default")
    fleet.send(queue_name="other")
    for _ in range(2):
        dying, next_one = fleet.worker(), fleet.worker()
        consume(dying)
        consume(dying, "other")
        look(next_one)
        fleet.kill(dying)
        fleet.look_after(next_one)
    worker = fleet.worker()
    one, another = (worker.consume(name, prefetch=4, timeout=TIMEOUT_MS) for name in ("default", "other"))
    first = next_of(one)
    assert [next(another) for _ in range(3)] == [None] * 3
    one.ack(first)
    second = next_of(another)
    fleet.send()
    assert [next(one) for _ in range(3)] == [None] * 3
    another.ack(second)
    one.ack(next_of(one))
    assert not fleet.client.exists("dramatiq:default.suspects", "dramatiq:other.suspects")


def test_what_a_question_of_another_queue_brings_meanwhile_goes_back(fleet: Fleet) -> None:
    two_deaths(fleet)
    worker = fleet.worker()
    one, another = (worker.consume(name, prefetch=4, timeout=TIMEOUT_MS) for name in ("default", "other"))
    assert next(another) is None  # its question is with Redis
    alone = next_of(one)
    (fresh,) = fleet.send(queue_name="other")
    assert [next(another) for _ in range(3)] == [None] * 3
    one.ack(alone)
    found = next_of(another)
    assert found.message_id == fresh
    another.ack(found)


def test_nothing_is_begun_beside_what_is_alone_after_a_lost_connection_either(fleet: Fleet) -> None:
    two_deaths(fleet)
    worker = fleet.worker()
    alone = next_of(lost := worker.consume("default", prefetch=4, timeout=TIMEOUT_MS))
    lost.close()
    fleet.send()
    anew = worker.consume("default", prefetch=4, timeout=TIMEOUT_MS)
    assert [next(anew) for _ in range(3)] == [None] * 3
    anew.ack(alone)
    anew.ack(next_of(anew))


def test_of_long_tasks_that_are_to_be_alone_each_is_begun_in_the_end(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transport.quiet.QUIET_S", 0.0)
    two_deaths(fleet, 5)
    (fresh,) = fleet.send()
    consumer = fleet.worker().consume("default", prefetch=16, timeout=TIMEOUT_MS)
    begun = [next_of(consumer) for _ in range(6)]
    assert fresh in {delivery.message_id for delivery in begun}
    for delivery in begun:
        consumer.ack(delivery)


def test_a_suspect_that_others_have_taken_over_is_not_begun_and_not_counted(fleet: Fleet) -> None:
    two_deaths(fleet)
    frozen, living = fleet.worker(), fleet.worker()
    assert not look(living, "default.DQ")
    fleet.send()
    busy = next_of(consumer := frozen.consume("default", prefetch=4, timeout=TIMEOUT_MS))
    assert next(consumer) is None  # the suspect waits for that one
    fleet.kill(frozen)
    fleet.look_after(living)
    consumer.ack(busy)
    assert next(consumer) is None
    perform(living, count=2)
    assert not fleet.client.exists("dramatiq:default.suspects")


def test_a_suspect_stays_the_only_one_when_its_worker_loses_the_connection(fleet: Fleet) -> None:
    two_deaths(fleet, 2)
    worker = fleet.worker()
    first = next_of(lost := worker.consume("default", prefetch=4, timeout=TIMEOUT_MS))
    lost.close()
    anew = worker.consume("default", prefetch=4, timeout=TIMEOUT_MS)
    assert [next(anew) for _ in range(3)] == [None] * 3
    anew.ack(first)
    anew.ack(next_of(anew))


def test_a_worker_that_stops_while_a_suspect_runs_does_not_count_as_its_death(fleet: Fleet) -> None:
    fleet.send()
    dead, stopping, next_one = fleet.worker(), fleet.worker(), fleet.worker()
    consume(dead)
    look(stopping)
    fleet.kill(dead)
    fleet.look_after(stopping)
    consume(stopping)
    begun = fleet.client.hvals("dramatiq:default.suspects")
    stopping.close()
    assert fleet.client.hvals("dramatiq:default.suspects") == [b"1"] != begun
    perform(next_one)
    assert not fleet.client.exists("dramatiq:default.suspects")


def test_a_suspect_that_was_given_back_unbegun_was_not_begun(fleet: Fleet) -> None:
    fleet.send()
    fleet.die_with_messages()
    stopping = fleet.worker().consume("default", timeout=TIMEOUT_MS)
    delivery = next_of(stopping)
    assert fleet.client.hvals("dramatiq:default.suspects") == [b"2"]
    stopping.requeue([delivery])
    assert fleet.client.hvals("dramatiq:default.suspects") == [b"1"]
    perform(fleet.worker())


def test_a_suspect_that_was_fetched_and_not_begun_stays_one(fleet: Fleet) -> None:
    fleet.send()
    fleet.die_with_messages()
    worker = fleet.worker()
    feed = Feed(worker.client, worker.namespace, "default", worker.broker_id, count(1))
    (fetched,) = wait_until(lambda: feed.fetch(1, 0), "it is fetched")
    feed.put_back((), let_go=[fetched.redis_message_id])
    feed.close()
    assert fleet.client.hvals("dramatiq:default.suspects") == [b"1"]
    perform(fleet.worker())


def test_a_suspect_is_not_given_back_by_a_worker_that_has_lost_it(fleet: Fleet) -> None:
    fleet.send()
    fleet.die_with_messages()
    frozen, living = fleet.worker(), fleet.worker()
    assert not look(living, "default.DQ")
    consumer = frozen.consume("default", timeout=TIMEOUT_MS)
    delivery = next_of(consumer)
    look(living)
    fleet.kill(frozen)
    fleet.look_after(living)
    consumer.requeue([delivery])
    assert fleet.client.hvals("dramatiq:default.suspects") == [b"2"]
    perform(living)
    assert not look(living)


def test_a_suspect_that_was_cancelled_before_it_is_begun_is_forgotten(fleet: Fleet) -> None:
    fleet.send()
    fleet.die_with_messages()
    feed = Feed(fleet.client, fleet.brokers[0].namespace, "default", "any", count(1))
    fleet.client.delete("dramatiq:default.suspects")
    feed.count_beginning("any")
    assert not fleet.client.exists("dramatiq:default.suspects")
