"""A Callboard that something is wrong with: no memory in Redis, rights or keys that are not as they should be."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.redis_server import RedisServer
from contract import ErrorCode, Sender, TaskOutcome, timestamp
from contract.keys import claim_key
from tests.system import System
from tests.waiting import wait_until
from tests.wire import Wire, new_user
from transport.answers import Answers
from transport.arrivals import Origin, Refused
from transport.connection import connect
from transport.redis_broker import CallboardBroker

DELAY_MS = 1_500


def request(user_id: str, **fields: Any) -> dict[str, Any]:
    return {"task_type": "reverse_string", "user_id": user_id, "parameters": {"text": "abc"}} | fields


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A Redis of the test's own, to be left without memory."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def wire(server: RedisServer) -> Iterator[Wire]:
    with Wire(server.url) as wire:
        yield wire


@pytest.fixture
def system(project: Path, server: RedisServer) -> Iterator[System]:
    """A Callboard on it, of which nothing runs yet."""
    with System(project, server.url) as system:
        yield system


def test_an_ingress_that_starts_without_memory_says_so_to_every_request(system: System, wire: Wire) -> None:
    wire.client.config_set("maxmemory", 1)
    system.start("ingress")
    assert wire.ask("reverse_string", {"text": "abc"})["error_code"] == "overloaded"


def test_a_stream_that_has_filled_the_memory_is_read_by_an_ingress_that_starts(system: System, wire: Wire) -> None:
    user_id = new_user()
    system.start("ingress")
    system.start("worker")
    system.stop("ingress")
    wire.client.xadd("tasks:stream", {"request": json.dumps(request(user_id))})
    wire.client.config_set("maxmemory", 1)
    system.start("ingress")
    assert wire.outcome_of(user_id)["status"] == "completed"


def test_a_worker_that_starts_without_memory_performs_what_waits(system: System, wire: Wire) -> None:
    users = [new_user() for _ in range(20)]
    system.start("ingress")
    for user_id in users:
        wire.publish(request(user_id))
    wait_until(lambda: wire.client.hlen("dramatiq:default.msgs") == len(users), "all were taken in")
    wire.client.config_set("maxmemory", 1)
    system.start("worker")
    assert [wire.outcome_of(user_id)["status"] for user_id in users] == ["completed"] * len(users)


def test_a_repeat_is_not_refused_for_want_of_memory_while_the_first_one_waits(system: System, wire: Wire) -> None:
    user_id = new_user()
    system.start("ingress")
    system.start("worker")
    wire.publish(request(user_id, request_id="r", delay_ms=DELAY_MS))
    wait_until(lambda: wire.client.exists(claim_key(user_id, "r")), "it was taken in")
    wire.client.config_set("maxmemory", 1)
    wire.publish(request(user_id, request_id="r"))
    assert wire.ask("reverse_string", {"text": "abc"})["error_code"] == "overloaded"
    wire.client.config_set("maxmemory", 0)
    assert wire.outcome_of(user_id)["status"] == "completed"


NO_BURSTS: list[dict[Any, Any]] = [
    {"requests": "x"},
    {"requests": "+OK\r\n"},
    {"requests": "*1\r\n$5\r\nab"},
    {"other": "y"},
]


def test_what_is_no_burst_is_answered_where_bursts_are_laid_aside(system: System, wire: Wire) -> None:
    system.start("ingress")
    for fields in NO_BURSTS:
        wire.client.xadd("callboard:later:tasks", fields)
        assert wire.outcome_of(None)["error_code"] == "invalid_json"
    wait_until(lambda: not wire.client.xlen("callboard:later:tasks"), "they are gone")


def test_where_bursts_cannot_be_laid_aside_they_are_answered(system: System, wire: Wire) -> None:
    system.start("ingress")
    wire.client.delete("callboard:later:tasks")
    wire.client.set("callboard:later:tasks", "no stream")
    with wire.client.pipeline(transaction=False) as pipeline:
        for _ in range(8_000):
            pipeline.publish("tasks", json.dumps(request("flooder")))
        pipeline.execute()
    system.start("worker")
    endings = {wire.outcome_of("flooder").get("error_code", "") for _ in range(8_000)}
    assert endings <= {"", "failed"}


def test_an_answer_of_which_one_is_enough_is_sent_once(server: RedisServer, wire: Wire) -> None:
    broker = CallboardBroker(connect(server.url), middleware=[])
    answers = Answers("results", outcome_ttl_s=60, request_id_ttl_s=60)
    sender = Sender("clock", "any", "firing")
    outcome = TaskOutcome(
        user_id=sender.user_id,
        task_type=sender.task_type,
        request_id=sender.request_id,
        task_id="error",
        status="error",
        timestamp=timestamp(),
        error="The queue is full",
        error_code=ErrorCode.OVERLOADED,
    )
    refused = Refused(answers.answer(outcome, None), b"{}", ErrorCode.OVERLOADED)
    for _ in range(2):
        broker.take_in([refused], Origin(once=True))
    # That it was taken in by now, and is done, is no reason for another answer, either.
    broker.client.set(refused.answer.claim, "task", ex=60)
    broker.take_in([refused._replace(kept_at=refused.answer.keys[-1][0])], Origin(once=True))
    assert wire.outcome_of("clock")["error_code"] == "overloaded"
    broker.client.publish("results", '{"user_id": "next"}')
    wire.outcome_of("next")
    assert wire.heard == []
    broker.close()
