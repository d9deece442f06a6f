"""A whole Callboard that is flooded answers the others meanwhile."""

import json
from pathlib import Path
from typing import Any

import pytest
import redis
from hiredis import pack_command

from client.redis_server import RedisServer
from tests.system import TEST_CONFIG, System
from tests.waiting import wait_until
from tests.wire import Wire, new_user

#: So many requests that the workers have to do with them for seconds.
FLOOD = 600

#: More than an ingress takes in as they come.
BEYOND = 10_000


def request(user_id: str, task_type: str = "waits") -> bytes:
    parameters: dict[str, Any] = {"seconds": 0.02} if task_type == "waits" else {"text": "abc"}
    return json.dumps({"task_type": task_type, "user_id": user_id, "parameters": parameters}).encode()


def send_to(wire: Wire, way: str, requests: list[bytes]) -> None:
    with wire.client.pipeline(transaction=False) as pipeline:
        for data in requests:
            if way == "stream":
                pipeline.xadd(wire.tasks_stream, {"request": data})
            else:
                pipeline.publish("tasks", data)
        pipeline.execute()


def send_together(system: System, wire: Wire, way: str, flood: list[bytes], last: bytes) -> None:
    """Has both wait on the queue before a worker performs any of them, the last one behind the others."""
    with system.suspended("worker"):
        send_to(wire, way, flood)
        wait_until(lambda: wire.client.hlen("dramatiq:default.msgs") >= len(flood), "the flood is on the queue")
        wire.publish(last)
        wait_until(lambda: wire.client.hlen("dramatiq:default.msgs") > len(flood), "so is the last one")


@pytest.mark.parametrize("way", ["channel", "stream"])
@pytest.mark.parametrize("others_task", ["waits", "reverse_string"])
def test_a_request_overtakes_those_of_a_user_who_floods(system: System, wire: Wire, way: str, others_task: str) -> None:
    flooder, other = new_user(), new_user()
    send_together(system, wire, way, [request(flooder)] * FLOOD, request(other, others_task))
    assert wire.outcome_of(other)["status"] == "completed"
    assert len(wire.heard) < FLOOD / 2
    assert_all_answered(wire, [flooder] * FLOOD)


def test_a_request_overtakes_those_of_a_task_type_that_many_users_flood(system: System, wire: Wire) -> None:
    flooders, other = [new_user() for _ in range(FLOOD)], new_user()
    flood = [request(user_id) for user_id in flooders]
    send_together(system, wire, "channel", flood, request(other, "reverse_string"))
    assert wire.outcome_of(other)["status"] == "completed"
    assert len(wire.heard) < FLOOD / 2
    assert_all_answered(wire, flooders)


@pytest.mark.parametrize("way", ["channel", "stream"])
def test_a_request_overtakes_those_that_the_ingress_itself_is_behind_with(system: System, wire: Wire, way: str) -> None:
    flooder, other = new_user(), new_user()
    send_to(wire, way, [*[request(flooder, "reverse_string")] * BEYOND, request(other, "reverse_string")])
    assert wire.outcome_of(other)["status"] == "completed"
    assert len(wire.heard) < BEYOND / 2
    assert_all_answered(wire, [flooder] * BEYOND)


def test_what_was_laid_aside_is_taken_in_once_although_the_ingress_dies(
    project: Path, redis_server: RedisServer, client: "redis.Redis"
) -> None:
    with System(project, redis_server.url) as system, Wire(redis_server.url) as wire:
        for name in ("leader", "standby"):
            system.start("ingress", as_=name)
        send_to(wire, "channel", [request("flooder", "reverse_string")] * BEYOND)
        wait_until(lambda: was_written_to(client, "callboard:later:tasks"), "requests are laid aside")
        system.kill("leader" if "Takes requests in" in system.log("leader") else "standby")
        wait_until(lambda: client.hlen("dramatiq:default.msgs") >= BEYOND, "all are on the queue", deadline_s=60)
        assert client.xlen("callboard:later:tasks") == 0
        assert client.hlen("dramatiq:default.msgs") == BEYOND
    client.delete(*client.scan_iter("dramatiq:default*"))


def test_an_ingress_that_is_stopped_in_a_flood_leaves_the_next_one_what_it_has_no_time_for(
    project: Path, redis_server: RedisServer, client: "redis.Redis"
) -> None:
    users = [new_user() for _ in range(BEYOND)]
    with System(project, redis_server.url) as system, Wire(redis_server.url) as wire:
        ingress = system.start("ingress")
        with system.suspended("ingress"):
            send_to(wire, "channel", [request(user_id, "reverse_string") for user_id in users])
            ingress.terminate()
        assert ingress.wait(timeout=60) == 0
        assert client.xlen("callboard:later:tasks") > 0
        system.start("ingress", as_="next")
        wait_until(lambda: client.hlen("dramatiq:default.msgs") == BEYOND, "all are on the queue", deadline_s=60)
        assert client.xlen("callboard:later:tasks") == 0
    client.delete(*client.scan_iter("dramatiq:default*"))


def test_what_waits_on_the_stream_is_taken_in_once_although_an_ingress_dies(
    project: Path, redis_server: RedisServer, client: "redis.Redis"
) -> None:
    crowd_and_others = ["flooder" if number % 20 else new_user() for number in range(BEYOND)]
    with System(project, redis_server.url) as system, Wire(redis_server.url) as wire:
        for name in ("first", "second"):
            system.start("ingress", as_=name)
        send_to(wire, "stream", [request(user_id, "reverse_string") for user_id in crowd_and_others])
        wait_until(lambda: client.hlen("dramatiq:default.msgs") > BEYOND / 3, "both are in the middle of it")
        system.kill("first")
        wait_until(lambda: not client.xlen("tasks:stream"), "all are taken in", deadline_s=60)
        assert client.hlen("dramatiq:default.msgs") == BEYOND
    client.delete(*client.scan_iter("dramatiq:default*"))


def test_what_was_laid_aside_is_taken_in_though_the_channel_has_another_name_by_now(
    project: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(TEST_CONFIG | {"redis": {"channels": {"tasks_queue": "renamed"}}}))
    with (
        RedisServer() as server,
        System(project, server.url, CALLBOARD_CONFIG=str(config)) as system,
        Wire(server.url) as wire,
    ):
        packed = pack_command((request("flooder", "make_tea"),))
        wire.client.xadd("callboard:later:tasks", {"requests": packed})
        system.start("ingress")
        assert wire.outcome_of("flooder")["error_code"] == "unknown_task"


def was_written_to(client: "redis.Redis", stream: str) -> bool:
    """Whether it has ever had an entry: those that are laid aside are taken in again within a second."""
    return bool(client.exists(stream)) and client.xinfo_stream(stream)["last-generated-id"] != b"0-0"


def assert_all_answered(wire: Wire, users: list[str]) -> None:
    """Each once, whatever lane it waited in."""
    for user_id in users:
        wire.outcome_of(user_id)
    assert wire.heard == []
