"""The control channel, from the running system."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.follower import Follower, kinds
from tests.redis_under_test import start_redis
from tests.system import System
from tests.waiting import wait_until
from tests.wire import new_user
from transport.connection import connect
from transport.redis_broker import CALL_OFFS


@pytest.fixture
def follower(system: System) -> Iterator[Follower]:
    with Follower(system.redis_url) as follower:
        yield follower


@pytest.mark.parametrize("task_type", ["works_on", "works_on_async"])
def test_a_running_task_is_interrupted(follower: Follower, tmp_path: Path, task_type: str) -> None:
    user_id, left = new_user(), tmp_path / "left"
    follower.request(task_type=task_type, user_id=user_id, parameters={"left": str(left)})
    task_id = follower.event(user_id, "started")["task_id"]
    follower.cancel(user_id, task_id=task_id)
    assert kinds(follower.life(user_id)) == ["accepted", "started", "cancelled"]
    (outcome,) = follower.outcomes(user_id)
    assert (outcome["task_id"], outcome["error_code"]) == (task_id, "cancelled")
    wait_until(left.exists, "the task has heard of it")
    other = new_user()
    follower.request(task_type="reverse_string", user_id=other, parameters={"text": "the worker goes on"})
    follower.life(other)
    assert kinds(follower.events(user_id)) == ["accepted", "started", "cancelled"]


def test_seconds_of_work_are_told_of_and_cancelled(follower: Follower) -> None:
    user_id = new_user()
    follower.request(task_type="count_primes", user_id=user_id, request_id="p", parameters={"limit": 1_000_000_000})
    follower.event(user_id, "progress")
    follower.cancel(user_id, request_id="p")
    events = follower.life(user_id)
    assert (kinds(events)[:2], kinds(events)[-1]) == (["accepted", "started"], "cancelled")
    assert set(kinds(events)[2:-1]) == {"progress"}


def test_a_request_may_be_cancelled_as_soon_as_it_is_sent(follower: Follower, tmp_path: Path) -> None:
    user_id = new_user()
    request = {"task_type": "works_on", "parameters": {"left": str(tmp_path / "left")}}
    name = {"user_id": user_id, "request_id": "early"}
    # In one step: a wish is given up when its request does not come soon.
    with follower.client.pipeline(transaction=True) as pipeline:
        pipeline.publish("control", json.dumps({"action": "cancel"} | name))
        pipeline.publish("tasks", json.dumps(request | name))
        assert all(pipeline.execute())
    assert kinds(follower.life(user_id))[-1] == "cancelled"


def test_a_repeat_of_a_cancelled_request_gets_its_outcome(follower: Follower) -> None:
    user_id, request = new_user(), {"task_type": "weekday", "parameters": {"day": "2026-11-24"}, "request_id": "r"}
    follower.request(user_id=user_id, delay_ms=60_000, **request)
    follower.event(user_id, "accepted")
    follower.cancel(user_id, request_id="r")
    follower.life(user_id)
    follower.request(user_id=user_id, **request)
    wait_until(lambda: len(follower.outcomes(user_id)) == 2, "the repeat is answered")
    first, second = follower.outcomes(user_id)
    assert second == first | {"replayed": True}


GARBAGE: list[Any] = [
    b"",
    b"\xff\xfe",
    b"[" * 50_000,
    b"null",
    b"7",
    b"{}",
    b'{"action": "cancel"}',
    b'{"action": "explode", "user_id": "u", "task_id": "t"}',
    b'{"action": "cancel", "user_id": true, "task_id": "t"}',
    b'{"action": "cancel", "user_id": "u", "task_id": 7}',
    b'{"action": "cancel", "user_id": "u", "task_id": "*"}',
    b'{"action": "cancel", "user_id": "u", "task_id": "t", "request_id": "r"}',
    b'{"action": "cancel", "user_id": "u", "task_id": "%s"}' % (b"x" * 200_000),
    b'{"action": "cancel", "user_id": "\\ud800", "request_id": "r"}',
    json.dumps({"action": "cancel", "user_id": 10**400, "request_id": "r"}).encode(),
]


def test_whatever_comes_on_the_channel_the_ingress_goes_on(system: System, follower: Follower, tmp_path: Path) -> None:
    before = len(system.log("ingress"))
    for garbage in GARBAGE:
        follower.client.publish("control", garbage)
    user_id = new_user()
    follower.request(task_type="works_on", user_id=user_id, parameters={"left": str(tmp_path / "left")})
    follower.cancel(user_id, task_id=follower.event(user_id, "started")["task_id"])
    assert kinds(follower.life(user_id))[-1] == "cancelled"
    assert system.runs("ingress", "worker")
    # A lease that was lost meanwhile, as on a machine that stands still, is no matter of this channel.
    said = [line for line in system.log("ingress")[before:].splitlines() if "lease" not in line]
    assert [line for line in said if "Takes requests in from now on" not in line] == []


@pytest.fixture(scope="module")
def pair(project: Path) -> Iterator[System]:
    """Two ingresses and a worker."""
    with start_redis() as server, System(project, server.url) as pair:
        for name in ("ingress", "ingress-2", "worker"):
            pair.start(name.removesuffix("-2"), as_=name)
        yield pair


def test_a_task_that_two_ingresses_cancel_ends_once(pair: System, tmp_path: Path) -> None:
    with Follower(pair.redis_url) as follower:
        users = [new_user() for _ in range(5)]
        for user_id in users:
            follower.request(task_type="works_on", user_id=user_id, parameters={"left": str(tmp_path / user_id)})
        for user_id in users:
            follower.cancel(user_id, task_id=follower.event(user_id, "started")["task_id"])
        for user_id in users:
            assert kinds(follower.life(user_id)) == ["accepted", "started", "cancelled"]
            wait_until((tmp_path / user_id).exists, "the task has heard of it")
        assert [len(follower.outcomes(user_id)) for user_id in users] == [1] * 5


def test_cancellation_works_again_when_connections_were_lost(pair: System, tmp_path: Path) -> None:
    with connect(pair.redis_url) as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes")
        wait_until(lambda: client.pubsub_numsub("control")[0][1] == 2, "the ingresses listen again")
        wait_until(lambda: client.pubsub_numsub(CALL_OFFS)[0][1] == 1, "the worker listens again")
        wait_until(lambda: client.pubsub_numsub("tasks")[0][1] == 2, "requests are heard again")
    with Follower(pair.redis_url) as follower:
        user_id, left = new_user(), tmp_path / "left"
        follower.request(task_type="works_on", user_id=user_id, parameters={"left": str(left)})
        follower.cancel(user_id, task_id=follower.event(user_id, "started")["task_id"])
        assert kinds(follower.life(user_id))[-1] == "cancelled"
        wait_until(left.exists, "the task has heard of it")
