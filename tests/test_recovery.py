"""What becomes of the messages of a worker that has died, and of those that wait for their time."""

from typing import Any

import pytest
from dramatiq.common import current_millis

from client.redis_server import RedisServer
from tests.consumers import next_of
from tests.fleet import TIMEOUT_MS, Fleet, consume, look, perform
from tests.waiting import wait_until
from transport.connection import connect


def test_what_a_dead_worker_held_goes_to_another_one(fleet: Fleet) -> None:
    sent = fleet.send(3)
    dead, living = fleet.worker(), fleet.worker()
    consume(dead, count=2)
    found = consume(living)
    fleet.kill(dead)
    fleet.look_after(living)
    consumer = living.consume("default", prefetch=4, timeout=TIMEOUT_MS)
    for _ in range(2):
        delivery = next_of(consumer)
        found.append(delivery)
        consumer.ack(delivery)
    assert sorted(delivery.message_id for delivery in found) == sorted(sent)


def test_what_a_question_of_a_dead_worker_takes_after_that_goes_to_another_one(fleet: Fleet) -> None:
    dead, living = fleet.worker(), fleet.worker()
    assert not look(living)
    question = dead.consume("default", timeout=TIMEOUT_MS)
    assert next(question) is None
    fleet.kill(dead)
    fleet.look_after(living)
    (sent,) = fleet.send()
    taken = f"dramatiq:__acks__.{dead.broker_id}.default"
    wait_until(lambda: fleet.client.exists(taken), "Redis has answered its question")
    fleet.look_after(living)
    assert [delivery.message_id for delivery in perform(living)] == [sent]


def test_what_a_worker_held_that_is_known_to_be_dead_is_brought_back_without_a_look(fleet: Fleet) -> None:
    now, later = fleet.send(2), fleet.send(delay=20_000)
    dead, living = fleet.worker(), fleet.worker()
    consume(dead, count=2)
    consume(dead, "default.DQ")
    living.succeed(dead.broker_id)
    assert {delivery.message_id for delivery in perform(living, count=2)} == set(now)
    assert [delivery.message_id for delivery in consume(living, "default.DQ")] == later
    assert not fleet.client.exists(f"dramatiq:__alive__.{dead.broker_id}")


def test_what_a_worker_takes_that_is_dead_for_long_is_not_brought_back_with_every_look_but_in_the_end(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transport.recovery.LONG_DEAD_S", 0.0)
    dead, living = fleet.worker(), fleet.worker()
    look(dead)
    fleet.kill(dead)
    fleet.look_after(living)
    (sent,) = fleet.send()
    consume(dead)
    fleet.kill(dead)
    fleet.look_after(living)
    assert not look(living)
    later = fleet.worker()
    fleet.look_after(later)
    assert [delivery.message_id for delivery in perform(later)] == [sent]


def test_where_the_dramatiq_dashboard_looks_for_what_workers_hold_is_nothing_else(fleet: Fleet) -> None:
    fleet.send()
    consume(fleet.worker())
    assert [fleet.client.scard(key) for key in fleet.client.scan_iter("dramatiq:__acks__.*")] == [1]


def test_the_delayed_messages_that_a_dead_worker_held_are_brought_back_too(fleet: Fleet) -> None:
    (sent,) = fleet.send(delay=20_000)
    dead, living = fleet.worker(), fleet.worker()
    consume(dead, "default.DQ")
    look(living, "default.DQ")
    fleet.kill(dead)
    fleet.look_after(living)
    assert not fleet.client.exists("dramatiq:default.DQ.suspects"), "it was not performed, so it has killed nobody"
    assert [delivery.message_id for delivery in consume(living, "default.DQ")] == [sent]


def test_a_worker_looks_after_queues_that_only_others_work_for(fleet: Fleet) -> None:
    task_ids = fleet.send()
    dead, other = fleet.worker(), fleet.worker()
    consume(dead)
    look(other, "elsewhere")
    fleet.kill(dead)
    fleet.look_after(other)
    assert [delivery.message_id for delivery in perform(fleet.worker())] == task_ids


def test_a_worker_that_lives_keeps_what_it_holds(fleet: Fleet) -> None:
    fleet.send()
    busy, idle = fleet.worker(), fleet.worker()
    consume(busy)
    assert not look(idle)
    fleet.look_after(idle)
    assert not look(idle)


def test_nobody_is_taken_for_dead_just_after_redis_was_away(fleet: Fleet) -> None:
    fleet.send()
    silent, living = fleet.worker(), fleet.worker()
    consume(silent)
    assert not look(living)
    fleet.kill(silent)
    fleet.client.delete("dramatiq:__looked__")
    # After that many look in the same moment.
    for _ in range(2):
        fleet.offer_to_look(living)
        assert not look(living)


def test_without_memory_a_worker_starts_and_performs_what_another_one_has_died_with() -> None:
    with RedisServer() as server, connect(server.url) as client:
        fleet = Fleet(server.url, client)
        sent = fleet.send(3)
        dead, living = fleet.worker(), fleet.worker()
        consume(dead, count=2)
        client.config_set("maxmemory", 1)
        performed = {delivery.message_id for delivery in consume(living)}
        fleet.kill(dead)
        fleet.look_after(living)
        # Begun anew, as after a lost connection.
        consumer = living.consume("default", prefetch=4, timeout=TIMEOUT_MS)
        for _ in range(2):
            delivery = next_of(consumer)
            performed.add(delivery.message_id)
            consumer.ack(delivery)
        assert performed == set(sent)
        assert not client.exists("dramatiq:default.suspects")
        for broker in fleet.brokers:
            broker.close()
            broker.client.close()


def test_a_message_that_is_due_much_later_is_held_by_nobody(fleet: Fleet) -> None:
    fleet.send(delay=3_600_000)
    holder = fleet.worker()
    later_key = "dramatiq:default.DQ.later"
    consumer = holder.consume("default.DQ", timeout=TIMEOUT_MS)
    wait_until(lambda: next(consumer) is None and fleet.client.zcard(later_key), "it is laid aside")
    consumer.close()
    later: Any = fleet.client.zrange(later_key, 0, -1, withscores=True)
    ((redis_message_id, due_ms),) = later
    assert abs(due_ms - current_millis() - 3_600_000) < 60_000
    fleet.look_after(holder)
    assert not look(holder, "default.DQ")
    fleet.client.zadd(later_key, {redis_message_id: current_millis() + 5_000})
    next_one = fleet.worker()
    assert not look(next_one, "default.DQ")
    fleet.look_after(next_one)
    assert fleet.client.lrange("dramatiq:default.DQ", 0, -1) == [redis_message_id]
