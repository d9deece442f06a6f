"""Each process and each client has a Redis user of its own, with just the rights that it needs: `deploy/`."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from client.redis_server import RedisServer
from errors import RedisServerError
from tests.acl_server import USERS_FILE, AclServer, denials, url_of
from tests.fleet import Fleet, consume, perform
from tests.system import System, write_config
from tests.waiting import wait_until
from tests.wire import Wire, new_user
from transport.connection import connect
from transport.crew import Crew, Duty
from transport.overview import Overview

JOB = {"name": "tick", "interval_s": 0.2, "task_type": "generate_random_number", "user_id": "clock"}


@pytest.fixture(scope="module")
def server() -> Iterator[AclServer]:
    with AclServer() as server:
        yield server


@pytest.fixture(scope="module")
def system(project: Path, server: AclServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    config = write_config(tmp_path_factory.mktemp("acl"), schedule=[JOB])
    with System(project, server.url, CALLBOARD_CONFIG=str(config)) as system:
        for name in ("ingress", "worker", "scheduler"):
            system.start(name)
        yield system


@pytest.fixture
def wire(system: System) -> Iterator[Wire]:
    with Wire(url_of(system.redis_url, "client")) as wire:
        yield wire


def test_a_whole_system_works_with_a_user_each(system: System, server: AclServer, wire: Wire, tmp_path: Path) -> None:
    assert wire.ask("reverse_string", {"text": "abc"}, request_id="r")["result"] == {"reversed_text": "cba"}
    assert wire.ask("reverse_string", {"text": "abc"}, reply_to="results:me")["status"] == "completed"
    assert wire.ask("weekday", {"day": "2026-11-23"}, delay_ms=150)["status"] == "completed"
    assert wire.ask("fails_until", {"attempt": 2, "tally": str(tmp_path / "tally")})["attempts"] == 2
    assert wire.ask("always_fails")["error_code"] == "failed"
    assert wire.ask("make_tea", request_id="r")["error_code"] == "unknown_task"
    assert wire.outcome_of("clock")["status"] == "completed"
    assert denials(server.url) == set()


@pytest.mark.parametrize("fields", [{}, {"delay_ms": 60_000}], ids=["running", "delayed"])
def test_a_request_is_cancelled_with_the_rights_of_its_client(
    server: AclServer, wire: Wire, tmp_path: Path, fields: dict[str, int]
) -> None:
    user_id, parameters = new_user(), {"left": str(tmp_path / "left")}
    request = {"task_type": "works_on", "user_id": user_id, "request_id": "r", "parameters": parameters}
    wire.publish(request | fields)
    wire.client.publish("control", json.dumps({"action": "cancel", "user_id": user_id, "request_id": "r"}))
    assert wire.outcome_of(user_id)["error_code"] == "cancelled"
    assert denials(server.url) == set()


def test_a_repeat_is_answered_with_the_rights_of_the_ingress(system: System, server: AclServer, wire: Wire) -> None:
    user_id = new_user()
    for _ in range(2):
        outcome = wire.ask("reverse_string", {"text": "abc"}, user_id=user_id, request_id="again")
    assert outcome["replayed"] is True
    assert denials(server.url) == set()


def test_the_task_of_a_dead_worker_is_begun_again_with_the_rights_of_the_others(
    system: System, server: AclServer, wire: Wire, tmp_path: Path
) -> None:
    user_id, started = new_user(), tmp_path / "started"
    wire.publish({"task_type": "is_slow_at_first", "user_id": user_id, "parameters": {"started": str(started)}})
    wait_until(started.exists, "the task runs")
    system.kill("worker", children_only=True)
    assert wire.outcome_of(user_id, deadline_s=30)["status"] == "completed"
    assert denials(server.url) == set()


def test_a_worker_may_look_for_those_that_died_and_call_the_roll_of_its_crew() -> None:
    with AclServer() as server, connect(server.url) as operator:
        fleet, crew = Fleet(url_of(server.url, "worker"), operator), Crew()
        dead, living = fleet.worker(), fleet.worker(crew)
        (sent,) = fleet.send()
        consume(dead)
        for _ in range(2):
            crew.put_off(Duty.SHOW, 0)
            living.maintain()
        fleet.kill(dead)
        fleet.look_after(living)
        assert [delivery.message_id for delivery in perform(living)] == [sent]
        assert denials(server.url) == set()
        for broker in fleet.brokers:
            broker.client.close()


@pytest.mark.parametrize("user", ["ingress", "web"])
def test_those_who_show_the_workers_may_look_for_them(system: System, server: AclServer, user: str) -> None:
    with connect(url_of(server.url, user)) as client:
        assert any(worker.alive for worker in Overview(client, "").workers())
    assert denials(server.url) == set()


def test_a_trusted_client_may_use_the_stream_and_read_outcomes(system: System, server: AclServer, wire: Wire) -> None:
    user_id = new_user()
    request = {"task_type": "reverse_string", "user_id": user_id, "parameters": {"text": "abc"}}
    with connect(url_of(server.url, "backend")) as backend:
        backend.xadd("tasks:stream", {"request": json.dumps(request)})
        task_id = wire.outcome_of(user_id)["task_id"]
        assert backend.get(f"callboard:outcome:{task_id}")
    assert denials(server.url) == set()


def test_an_ingress_that_may_not_widen_its_buffer_says_what_to_set(system: System) -> None:
    assert "client-output-buffer-limit" in system.log("ingress")
    wait_until(lambda: "set it to 'pubsub 268435456 0 0'" in system.log("ingress"), "it says what to set")


def test_a_firing_that_redis_refuses_leaves_no_message_behind(project: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path, schedule=[JOB])
    with AclServer() as server, System(project, server.url, CALLBOARD_CONFIG=str(config)) as system:
        with Wire(server.url) as wire:
            wire.client.set("dramatiq:default", "what nobody can add to")
            system.start("scheduler")
            assert wire.outcome_of("clock")["error_code"] == "failed"
            system.stop("scheduler")
            assert not wire.client.exists("dramatiq:default.msgs")
        assert denials(server.url) == set()


def test_a_client_that_hears_only_its_own_outcomes_learns_of_no_other_request(
    system: System, server: AclServer
) -> None:
    # As the file says how to make one.
    users = USERS_FILE.read_text()
    (rules,) = re.findall(r"^user client on \S+ (.*)$", users, re.MULTILINE)
    ((own, others),) = re.findall(r"(&results:NAME) in place of (&.*), which", users)
    rules = rules.replace(f" {others})", f" {own.replace('NAME', 'mine')})")
    with connect(server.url) as operator:
        operator.execute_command("ACL", "SETUSER", "mine", "on", ">hush", *rules.split())
    with Wire(server.url.replace("operator:password-of-operator@", "mine:hush@"), "results:mine") as mine:
        assert mine.ask("reverse_string", {"text": "abc"}, reply_to="results:mine")["status"] == "completed"
        for channel in ("results", "results:yours", "events"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                mine.client.execute_command("SUBSCRIBE", channel)


FORBIDDEN = {
    "client": [
        "PUBLISH results {}",
        "PUBLISH callboard:markers:tasks x",
        "PUBLISH events {}",
        "PUBLISH callboard:call-offs x",
        "SUBSCRIBE control",
        "SUBSCRIBE tasks",
        "PSUBSCRIBE *",
        "GET callboard:outcome:x",
        "GET callboard:lease:tasks",
        "XADD tasks:stream * request {}",
        "LPUSH dramatiq:default x",
        "SET any x",
        "EVAL return(1) 0",
        "KEYS *",
        "CONFIG GET *",
        "FLUSHALL",
        "ACL LIST",
        "CLIENT KILL TYPE pubsub",
    ],
    "backend": [
        "PUBLISH results {}",
        "SUBSCRIBE tasks",
        "SET callboard:outcome:x x",
        "GET callboard:lease:tasks",
        "XREAD STREAMS tasks:stream 0",
        "XTRIM tasks:stream MAXLEN 0",
    ],
    "ingress": [
        "PUBLISH tasks {}",
        "PUBLISH control {}",
        "SUBSCRIBE results",
        "SUBSCRIBE events",
        "BLMOVE dramatiq:default dramatiq:default LEFT LEFT 1",
        "SET any x",
        "SET callboard:fired:tick x",
        "CONFIG SET maxmemory 1",
        "KEYS *",
    ],
    "worker": [
        "PUBLISH tasks {}",
        "PUBLISH control {}",
        "SUBSCRIBE control",
        "SUBSCRIBE results",
        "SUBSCRIBE tasks",
        "GET callboard:outcome:x",
        "GET callboard:lease:tasks",
        "DEL tasks:stream",
        "SET any x",
        "KEYS *",
        "CONFIG GET *",
    ],
    "scheduler": [
        "PUBLISH tasks {}",
        "SUBSCRIBE tasks",
        "XADD tasks:stream * request {}",
        "SET callboard:lease:tasks x",
        "SET any x",
        "KEYS *",
    ],
}


@pytest.mark.parametrize(
    ("user", "command"), [(user, command) for user, commands in FORBIDDEN.items() for command in commands]
)
def test_nobody_may_do_more(server: AclServer, user: str, command: str) -> None:
    with connect(url_of(server.url, user)) as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command.split())


@pytest.mark.parametrize("user", ["worker", "ingress"])
def test_a_script_gives_no_further_right(server: AclServer, user: str) -> None:
    script = "return redis.call('set', 'any', 'x')"
    with connect(server.url) as operator:
        sha = operator.script_load(script)
    with connect(url_of(server.url, user)) as client, pytest.raises(redis.ResponseError, match=r"executing the script"):
        client.evalsha(sha, 0)


def test_who_has_no_name_gets_nothing(server: AclServer) -> None:
    with connect(server.url.replace("operator:password-of-operator@", "")) as nobody, pytest.raises(redis.RedisError):
        nobody.ping()


def test_redis_does_not_start_while_a_password_is_missing() -> None:
    with pytest.raises(RedisServerError):
        RedisServer("--include", str(USERS_FILE))
