"""What `callboard status` shows of a system, in whatever state it is."""

import json
import socket
from pathlib import Path
from typing import Any

import redis
from dramatiq.common import current_millis

from client.redis_server import RedisServer
from tests.command_line import callboard
from tests.redis_under_test import stock_broker
from tests.system import System
from tests.waiting import wait_until
from tests.wire import Wire
from transport.overview import FORGOTTEN_MS
from transport.pulse import STOCK_SILENCE_MS


def shown_of(system: System) -> Any:
    """Of a system that may have a problem, too."""
    ended = callboard(system, "status", "--json")
    assert ended.returncode in (0, 3), ended.stderr
    return json.loads(ended.stdout)


def queue(shown: dict[str, Any], name: str = "default") -> dict[str, Any]:
    (found,) = (state for state in shown["queues"] if state["name"] == name)
    assert isinstance(found, dict)
    return found


def test_every_process_is_shown_with_where_it_runs(own: System) -> None:
    for name in ("ingress", "worker", "scheduler"):
        own.start(name)
    own.start("ingress", as_="standby")

    def all_are_there() -> Any:
        shown = shown_of(own)
        leads = sorted(process["leads"] for process in shown["ingresses"])
        return leads == [False, True] and shown["schedulers"] and shown["workers"] and shown

    shown = wait_until(all_are_there, "all are there, and one ingress leads")
    (scheduler,), (worker,) = shown["schedulers"], shown["workers"]
    family = {process.pid for name in ("ingress", "standby", "worker", "scheduler") for process in own.family(name)}
    for process in [*shown["ingresses"], scheduler, worker]:
        assert process["host"] == socket.gethostname()
        assert process["pid"] in family
        assert process["alive"]
        assert process["shown_s"] < 16
    assert shown["problems"] == []


def test_a_process_that_stopped_is_shown_no_longer(own: System) -> None:
    own.start("ingress")
    own.start("scheduler")
    wait_until(lambda: shown_of(own)["schedulers"], "the scheduler is there")
    own.stop("scheduler")
    own.stop("ingress")
    shown = shown_of(own)
    assert (shown["ingresses"], shown["schedulers"]) == ([], [])


def test_messages_are_counted_where_they_are(own: System, redis_server: RedisServer, client: "redis.Redis") -> None:
    own.start("ingress")
    with Wire(redis_server.url) as wire:
        for fields in ({}, {}, {"delay_ms": 3_600_000}):
            wire.publish({"task_type": "always_fails", "user_id": "u"} | fields)
        wait_until(lambda: client.hlen("dramatiq:default.DQ.msgs"), "all are queued")
        assert queue(shown_of(own)) == {
            "name": "default", "waiting": 2, "in_hand": 0, "delayed": 1, "dead": 0
        }  # fmt: skip
        own.start("worker")
        wait_until(lambda: client.zcard("dramatiq:default.XQ") == 2, "both have failed")
        wait_until(lambda: client.zcard("dramatiq:default.DQ.later"), "the other one is laid aside")
        assert queue(shown_of(own)) == {
            "name": "default", "waiting": 0, "in_hand": 0, "delayed": 1, "dead": 2
        }  # fmt: skip
    client.delete("dramatiq:default.DQ.msgs", "dramatiq:default.DQ.later")


def test_a_running_task_is_in_hand(
    own: System, redis_server: RedisServer, client: "redis.Redis", tmp_path: Path
) -> None:
    own.start("ingress")
    own.start("worker")
    with Wire(redis_server.url) as wire:
        go_on = tmp_path / "go on"
        wire.publish({"task_type": "waits_for", "user_id": "u", "parameters": {"file": str(go_on)}})
        wait_until(lambda: list(client.scan_iter("dramatiq:__acks__.*.default")), "a worker has it")
        assert queue(shown_of(own))["in_hand"] == 1
        go_on.touch()
        wire.outcome_of("u")


def test_entries_of_the_stream_that_nobody_has_read_are_its_lag(own: System, client: "redis.Redis") -> None:
    assert shown_of(own)["stream"] == {"lag": 0, "pending": 0}
    for _ in range(3):
        client.xadd("tasks:stream", {"request": "{}"})
    client.xgroup_create("tasks:stream", "callboard", id="0")
    client.xreadgroup("callboard", "me", {"tasks:stream": ">"}, count=1)
    assert shown_of(own)["stream"] == {"lag": 2, "pending": 1}


def test_a_lost_worker_is_shown_for_an_hour(own: System, client: "redis.Redis") -> None:
    own.start("worker")
    (alive,) = wait_until(lambda: shown_of(own)["workers"], "it is there")
    own.kill("worker")
    wait_until(lambda: not shown_of(own)["workers"][0]["alive"], "its pulse has stopped")
    (lost,) = shown_of(own)["workers"]
    assert (lost["host"], lost["pid"]) == (alive["host"], alive["pid"])
    shown = callboard(own, "status")
    assert shown.stdout.splitlines()[-1].startswith("Problem: no worker is alive")
    found: Any = client.zrange("dramatiq:__heartbeats__", 0, -1, withscores=True)
    ((worker_id, shown_ms),) = found
    client.zadd("dramatiq:__heartbeats__", {worker_id: shown_ms - FORGOTTEN_MS})
    assert shown_of(own)["workers"] == []


def test_a_stock_program_is_alive_for_a_minute_after_its_last_command_and_may_be_no_worker(
    own: System, redis_server: RedisServer, client: "redis.Redis"
) -> None:
    broker = stock_broker(redis_server.url)
    broker.do_qsize("default")
    shown = shown_of(own)
    (worker,) = shown["workers"]
    assert (worker["id"], worker["role"], worker["alive"], worker["host"]) == (broker.broker_id, "dramatiq", True, None)
    assert any("no worker is alive" in problem for problem in shown["problems"])
    client.zadd("dramatiq:__heartbeats__", {broker.broker_id: current_millis() - STOCK_SILENCE_MS})
    (worker,) = shown_of(own)["workers"]
    assert (worker["id"], worker["alive"]) == (broker.broker_id, False)
    broker.client.close()


def test_when_something_is_wrong_it_says_so_and_the_exit_code_does(own: System) -> None:
    shown = callboard(own, "status")
    assert shown.returncode == 3
    assert "Problem: no ingress takes in what is published: start `python -m ingress`" in shown.stdout
    assert "Problem: no worker is alive, 0 messages wait: start `python -m worker`" in shown.stdout
    assert "name\twaiting\tin_hand\tdelayed\tdead" in shown.stdout
