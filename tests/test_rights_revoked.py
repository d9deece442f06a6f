"""A right that is taken from a Redis user while Callboard works, as by a mistake in the users' file, and given back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.redis_server import RedisServer
from tests.system import System
from tests.waiting import wait_until
from tests.wire import Wire, new_user

#: So often Redis has refused to publish something by then, an event or the outcome, that both were tried.
TRIED = 4


@pytest.fixture(scope="module")
def running(project: Path) -> Iterator[System]:
    with RedisServer() as server, System(project, server.url) as system:
        system.start("ingress")
        system.start("worker")
        yield system


def publish_and_revoke(wire: Wire, channel: str, message: dict[str, Any]) -> None:
    """In one step: nobody may publish any more once the message is heard."""
    wire.client.config_resetstat()
    with wire.client.pipeline(transaction=True) as pipeline:
        pipeline.publish(channel, json.dumps(message))
        pipeline.execute_command("ACL", "SETUSER", "default", "-publish")
        pipeline.execute()


def give_back_once_it_was_tried(wire: Wire) -> None:
    def is_tried() -> bool:
        return bool(wire.client.info("commandstats").get("cmdstat_publish", {}).get("rejected_calls", 0) >= TRIED)

    wait_until(is_tried, "it is tried to publish the outcome")
    wire.client.execute_command("ACL", "SETUSER", "default", "+publish")


@pytest.mark.parametrize(("task_type", "status"), [("reverse_string", "completed"), ("make_tea", "error")])
def test_an_outcome_that_could_not_be_published_is_once_it_can(running: System, task_type: str, status: str) -> None:
    with Wire(running.redis_url) as wire:
        user_id = new_user()
        request = {"task_type": task_type, "user_id": user_id, "parameters": {"text": "abc"}}
        publish_and_revoke(wire, "tasks", request)
        give_back_once_it_was_tried(wire)
        assert wire.outcome_of(user_id)["status"] == status
        wire.ask("reverse_string", {"text": "and nothing comes after it"})
        assert wire.heard == []


def test_a_cancellation_that_could_not_be_told_is_once_it_can(running: System) -> None:
    with Wire(running.redis_url) as wire:
        user_id = new_user()
        request = {"task_type": "reverse_string", "user_id": user_id, "request_id": "r-1", "delay_ms": 3_600_000}
        wire.publish(request | {"parameters": {"text": "abc"}})
        wait_until(lambda: wire.client.exists("dramatiq:default.DQ.msgs"), "the request is taken in")
        publish_and_revoke(wire, "control", {"action": "cancel", "user_id": user_id, "request_id": "r-1"})
        give_back_once_it_was_tried(wire)
        assert wire.outcome_of(user_id)["error_code"] == "cancelled"
        assert not wire.client.exists("dramatiq:default.DQ.msgs")
