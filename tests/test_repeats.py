"""A request that comes again, by its request id, and those that only look as if they did."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.redis_server import RedisServer
from contract.keys import claim_key
from tests.system import System, write_config
from tests.waiting import wait_until
from tests.wire import Wire, new_user

DELAY_MS = 1_500


@pytest.fixture
def narrow(project: Path, redis_server: RedisServer, client: Any, tmp_path: Path) -> Iterator[System]:
    """A Callboard whose queue has room for one message."""
    config = write_config(tmp_path, limits={"queue_length": 1})
    with System(project, redis_server.url, CALLBOARD_CONFIG=str(config)) as system:
        system.start("ingress")
        yield system


def request(user_id: str, request_id: str, **fields: Any) -> dict[str, Any]:
    asked = {"task_type": "reverse_string", "user_id": user_id, "parameters": {"text": "abc"}}
    return asked | {"request_id": request_id} | fields


def test_a_request_id_is_never_taken_for_what_is_kept_of_another_one(wire: Wire) -> None:
    user_id, neighbour = new_user(), new_user()
    for request_id in ("x:waiting", "x waiting", "x"):
        wire.publish(request(user_id, request_id, delay_ms=DELAY_MS))
    wire.publish(request(user_id, "x", delay_ms=DELAY_MS, reply_to="results:another"))
    wire.publish(request(neighbour, "x"))
    assert wire.outcome_of(neighbour)["status"] == "completed"
    outcomes = [wire.outcome_of(user_id) for _ in range(3)]
    endings = {(outcome.get("request_id"), outcome["status"]) for outcome in outcomes}
    assert endings == {("x:waiting", "completed"), (None, "error"), ("x", "completed")}


def test_a_repeat_wants_no_room_on_a_queue_that_is_full(narrow: System, redis_server: RedisServer) -> None:
    user_id = new_user()
    with Wire(redis_server.url) as wire:
        wire.publish(request(user_id, "first"))
        wait_until(lambda: wire.client.llen("dramatiq:default"), "the queue is full")
        assert wire.ask("reverse_string", {"text": "abc"})["error_code"] == "overloaded"
        wire.publish(request(user_id, "first"))
        assert wire.ask("reverse_string", {"text": "abc"})["error_code"] == "overloaded"
        narrow.start("worker")
        assert wire.outcome_of(user_id)["status"] == "completed"


def test_however_many_wait_for_the_same_outcome_some_hear_it_on_their_channels(wire: Wire, tmp_path: Path) -> None:
    user_id, go_on, channels = new_user(), tmp_path / "go on", [f"results:{number}" for number in range(40)]
    waits = {"task_type": "waits_for", "parameters": {"file": str(go_on)}}
    with wire.client.pubsub() as others:
        others.subscribe(*channels)
        wait_until(lambda: all(count for _, count in wire.client.pubsub_numsub(*channels)), "all are heard")
        wire.publish(request(user_id, "often", **waits))
        for channel in channels:
            wire.publish(request(user_id, "often", reply_to=channel, **waits))
        wire.ask("reverse_string", {"text": "and now one that shows that all were taken in"})
        go_on.touch()
        assert wire.outcome_of(user_id)["status"] == "completed"
        wire.client.publish(channels[0], "the last one")
        messages = (message for message in others.listen() if message["type"] == "message")
        heard = list(iter(lambda: next(messages)["data"], b"the last one"))
    assert len(heard) == 32


@pytest.mark.parametrize("is_durable", [False, True], ids=["channel", "stream"])
def test_a_request_that_redis_refuses_what_it_needs_is_answered(system: System, wire: Wire, is_durable: bool) -> None:
    user_id = new_user()
    key = claim_key(user_id, "odd")
    wire.client.rpush(key, "a list, where a claim should be")
    wire.client.expire(key, 60)
    if is_durable:
        wire.client.xadd("tasks:stream", {"request": json.dumps(request(user_id, "odd"))})
    else:
        wire.publish(request(user_id, "odd"))
    outcome = wire.outcome_of(user_id)
    assert (outcome["error_code"], outcome["request_id"]) == ("failed", "odd")
    wait_until(lambda: not wire.client.xlen("tasks:stream"), "nothing is left on the stream")
