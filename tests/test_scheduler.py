"""`python -m scheduler` sends the requests of the configuration, through the same gate as any other."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from client.redis_server import RedisServer
from tests.moved_clock import MovedClock
from tests.redis_under_test import open_client
from tests.system import System, environment, run_to_its_end, write_config
from tests.waiting import wait_until
from tests.wire import Wire

HOUR_S = 3600
TEN_YEARS_S = 10 * 365 * 24 * HOUR_S

JOB: dict[str, Any] = {"name": "draw", "interval_s": 0.1, "task_type": "generate_random_number", "user_id": "clock"}


def configuration(folder: Path, *jobs: dict[str, Any]) -> str:
    return str(write_config(folder, schedule=jobs))


def test_a_job_fires_again_and_again(project: Path, redis_server: RedisServer, tmp_path: Path) -> None:
    job = JOB | {"parameters": {"min_value": 7, "max_value": 7}}
    with System(project, redis_server.url, CALLBOARD_CONFIG=configuration(tmp_path, job)) as system:
        system.start("worker")
        with Wire(redis_server.url) as wire:
            system.start("scheduler")
            outcomes = [wire.outcome_of("clock") for _ in range(3)]
            assert {outcome["result"]["number"] for outcome in outcomes} == {7}
            assert len({outcome["task_id"] for outcome in outcomes}) == 3
            system.stop("scheduler")
            system.stop("worker")


@pytest.mark.parametrize("kept", [b"yesterday", b"\xff", b"2026-11-23T12:00:00"], ids=["no time", "no text", "no zone"])
def test_when_a_job_fired_last_is_taken_for_unknown_when_that_cannot_be_read(
    project: Path, redis_server: RedisServer, tmp_path: Path, kept: bytes
) -> None:
    with System(project, redis_server.url, CALLBOARD_CONFIG=configuration(tmp_path, JOB)) as system:
        with open_client(redis_server.url) as client:
            client.set("callboard:fired:draw", kept)
            system.start("scheduler")
            wait_until(lambda: client.get("callboard:fired:draw") != kept, "the job has fired")
            assert client.ttl("callboard:fired:draw") > 0
        assert "callboard:fired:draw is no time with a time zone" in system.log("scheduler")
        system.stop("scheduler")


def test_a_job_that_seems_to_have_fired_in_the_future_fires_now(
    project: Path, redis_server: RedisServer, client: "redis.Redis", tmp_path: Path
) -> None:
    future = (datetime.now(UTC) + timedelta(days=1)).isoformat().encode()
    client.set("callboard:fired:draw", future, ex=60)
    with System(project, redis_server.url, CALLBOARD_CONFIG=configuration(tmp_path, JOB)) as system:
        system.start("scheduler")
        wait_until(lambda: client.get("callboard:fired:draw") != future, "the job has fired")
        system.stop("scheduler")
    client.delete(*client.scan_iter("dramatiq:default*"))


@pytest.mark.parametrize(("coalesce", "least", "most"), [(True, 1, 1), (False, 3, 4)])
def test_what_was_missed_while_no_scheduler_ran_is_made_up_for(
    project: Path,
    redis_server: RedisServer,
    client: "redis.Redis",
    tmp_path: Path,
    coalesce: bool,
    least: int,
    most: int,
) -> None:
    job = JOB | {"interval_s": HOUR_S, "misfire_grace_s": 24 * HOUR_S, "coalesce": coalesce}
    client.set("callboard:fired:draw", (datetime.now(UTC) - timedelta(hours=3.5)).isoformat(), ex=60)
    with System(project, redis_server.url, CALLBOARD_CONFIG=configuration(tmp_path, job)) as system:
        system.start("scheduler")
        wait_until(lambda: client.hlen("dramatiq:default.msgs") >= least, "the job has fired")
        system.stop("scheduler")
    assert least <= client.hlen("dramatiq:default.msgs") <= most
    client.delete(*client.scan_iter("dramatiq:default*"))


def test_a_scheduler_whose_clock_is_set_goes_by_the_new_time_and_fires_nothing_twice(
    project: Path, redis_server: RedisServer, tmp_path: Path
) -> None:
    clock = MovedClock(tmp_path)
    since = clock.set(HOUR_S)
    with System(project, redis_server.url, CALLBOARD_CONFIG=configuration(tmp_path, JOB)) as system:
        system.start("worker")
        with Wire(redis_server.url) as wire:
            system.start("scheduler", LOG_LEVEL="DEBUG", **clock.variables)
            fired: list[str] = []
            for offset_s in (0, -HOUR_S, 0, TEN_YEARS_S):
                fired += firings_until(wire, since)
                since = clock.set(offset_s)
            # For a second, since of the moments of a shorter one all may be skipped the next time.
            fired += firings_until(wire, since + 1)
            # It lives a second time through what it has just lived through.
            since = clock.set(TEN_YEARS_S - 2)
            fired += firings_until(wire, since + 3)
            system.stop("scheduler")
            system.stop("worker")
        assert len(set(fired)) == len(fired)
        moments = re.findall("Firing 'draw' of (.*)", system.log("scheduler"))
        assert len(set(moments)) < len(moments), "it did not live through anything twice"


def firings_until(wire: Wire, moment: float) -> list[str]:
    """The `request_id`s of all firings, until one comes that was due at that time, in seconds since 1970, or later."""
    fired: list[str] = []
    while not fired or not moment <= _due(fired[-1]) < moment + HOUR_S / 2:
        fired.append(wire.outcome_of("clock")["request_id"])
    return fired


def _due(request_id: str) -> float:
    return datetime.fromisoformat(request_id.removeprefix("schedule:draw:")).timestamp()


def test_a_firing_that_became_too_late_while_redis_was_away_is_skipped(project: Path, tmp_path: Path) -> None:
    clock = MovedClock(tmp_path)
    config = configuration(tmp_path, JOB | {"interval_s": 3})
    with RedisServer() as server, System(project, server.url, CALLBOARD_CONFIG=config) as system:
        system.start("scheduler", **clock.variables)
        with open_client(server.url) as client:
            wait_until(lambda: client.get("callboard:fired:draw"), "the job has fired")
        server.stop()
        wait_until(lambda: "trying again" in system.log("scheduler"), "the next firing waits for Redis")
        clock.set(HOUR_S)
        server.start()
        wait_until(lambda: "s ago: that is skipped" in system.log("scheduler"), "the firing is skipped")
        system.stop("scheduler")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"task_type": "make_tea"}, "Task type not found: make_tea"),
        ({"parameters": {"min_value": "low"}}, "'min_value'"),
        ({"user_id": 0}, "'user_id'"),
    ],
    ids=["unknown task", "wrong parameters", "wrong user"],
)
def test_a_job_that_the_gate_would_refuse_is_refused_at_start(
    project: Path, tmp_path: Path, wrong: dict[str, Any], says: str
) -> None:
    variables = environment(None, CALLBOARD_CONFIG=configuration(tmp_path, JOB, JOB | {"name": "wrong"} | wrong))
    ended = run_to_its_end(project, ["-m", "scheduler"], variables)
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    assert "schedule[1]" in ended.stderr
    assert says in ended.stderr
