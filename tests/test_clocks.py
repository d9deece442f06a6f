"""Clocks that are wrong or are set, and what has lain in Redis for longer than a week."""

import time

import dramatiq.common
import pytest
import redis

from ingress.lease import Lease
from tests.fleet import Fleet, consume, look
from transport.pulse import FORGET_MS
from transport.redis_broker import CallboardBroker

WEEK_MS = 7 * 24 * 3600 * 1000


def bury(fleet: Fleet, count: int, ago_ms: int) -> None:
    """Dead letters that died so long ago."""
    died_ms = fleet.client.time()[0] * 1000 - ago_ms
    ids = [str(number) for number in range(count)]
    fleet.client.zadd("dramatiq:default.XQ", dict.fromkeys(ids, died_ms))
    fleet.client.hset("dramatiq:default.XQ.msgs", mapping=dict.fromkeys(ids, "x"))


def perform(broker: CallboardBroker) -> str:
    """Has this worker perform the next message; returns which."""
    (delivery,) = consume(broker)
    broker.consume("default").ack(delivery)
    return delivery.message_id


def test_all_old_dead_letters_are_removed_at_once_however_many_have_died_in_a_minute(fleet: Fleet) -> None:
    bury(fleet, 2_500, WEEK_MS)
    fleet.look_after(fleet.brokers[0])
    assert not fleet.client.exists("dramatiq:default.XQ", "dramatiq:default.XQ.msgs")


def test_a_worker_whose_clock_is_ahead_removes_no_dead_letters_and_forgets_no_worker(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sent,) = fleet.send()
    bury(fleet, 1, ago_ms=0)
    dead, ahead = fleet.worker(), fleet.worker()
    consume(dead)
    monkeypatch.setattr(dramatiq.common, "time", lambda: time.time() + 2 * WEEK_MS / 1000)
    assert not look(ahead)
    fleet.look_after(ahead)
    assert fleet.client.zcard("dramatiq:default.XQ") == 1
    fleet.kill(dead)
    fleet.look_after(ahead)
    assert perform(ahead) == sent


def test_what_a_worker_held_that_died_more_than_a_week_ago_is_brought_back(fleet: Fleet) -> None:
    (sent,) = fleet.send()
    dead = fleet.worker()
    consume(dead)
    fleet.kill(dead)
    fleet.client.zadd("dramatiq:__heartbeats__", {dead.broker_id: fleet.client.time()[0] * 1000 - 2 * FORGET_MS})
    living = fleet.worker()
    assert not look(living)
    fleet.look_after(living)
    assert perform(living) == sent


def test_the_dead_are_looked_for_although_the_clock_of_redis_was_set_back(fleet: Fleet) -> None:
    (sent,) = fleet.send()
    dead, living = fleet.worker(), fleet.worker()
    consume(dead)
    assert not look(living)
    fleet.look_after(living)
    fleet.kill(dead)
    # Redis keeps it until a time of its clock, to which it is now an hour.
    assert fleet.client.pexpire("dramatiq:__looked__", 3_600_000)
    fleet.offer_to_look(living)
    assert perform(living) == sent


def test_the_lease_of_a_dead_ingress_runs_out_although_the_clock_of_redis_was_set_back(client: "redis.Redis") -> None:
    assert Lease(client, "callboard:lease:tasks").seek()
    assert not Lease(client, "callboard:lease:tasks").seek()
    client.pexpire("callboard:lease:tasks", 3_600_000)
    assert Lease(client, "callboard:lease:tasks").seek()
