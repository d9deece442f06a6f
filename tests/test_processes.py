"""How the processes start, wait, stop and come back."""

import signal
import subprocess
from functools import partial
from pathlib import Path

import pytest
import redis

from client.redis_server import RedisServer, free_port
from ingress.crowd import BEHIND
from tests.follower import Follower
from tests.system import COMMANDS, System, environment, run_to_its_end
from tests.waiting import wait_until
from tests.wire import Wire, new_user

REQUEST = b'{"task_type": "reverse_string", "user_id": "u", "parameters": {"text": "hello"}}'


def test_the_ingress_says_what_it_knows_and_where_it_listens(own: System, redis_server: RedisServer) -> None:
    own.start("ingress")
    log = own.log("ingress")
    assert "generate_random_number" in log
    assert "reverse_string" in log
    assert "channel 'tasks'" in log
    assert f"127.0.0.1:{redis_server.port}" in log


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_each_process_stops_cleanly_when_asked(own: System, by: signal.Signals) -> None:
    names = ("ingress", "scheduler", "worker")
    for name in names:
        own.start(name)
    for name in names:
        assert own.stop(name, by) == 0
        assert "Traceback" not in own.log(name)


@pytest.mark.parametrize("module", ["ingress", "worker", "scheduler", "client.run"])
def test_a_process_says_that_it_takes_no_arguments(project: Path, module: str) -> None:
    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        return run_to_its_end(project, ["-m", module, *words], environment(f"redis://127.0.0.1:{free_port()}/0"))

    helped = run("--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert f"usage: python -m {module}" in helped.stdout
    assert "CALLBOARD_CONFIG" in helped.stdout
    for words in (["--version"], ["start", "--threads=8"]):
        refused = run(*words)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert f"takes no arguments, and was given '{' '.join(words)}'; config.json" in refused.stderr


def test_a_worker_that_stopped_is_no_longer_listed(own: System, client: "redis.Redis") -> None:
    own.start("worker")
    wait_until(lambda: client.zcard("dramatiq:__heartbeats__"), "the worker shows that it is alive")
    own.stop("worker")
    assert client.zcard("dramatiq:__heartbeats__") == 0


def test_what_the_ingress_received_is_queued_before_it_stops(own: System, client: "redis.Redis") -> None:
    own.start("ingress")
    # So few that none is laid aside for coming too fast.
    with client.pipeline(transaction=False) as pipeline:
        for _ in range(BEHIND):
            pipeline.publish("tasks", REQUEST)
        received = sum(pipeline.execute())
    assert received == BEHIND
    own.stop("ingress")
    assert client.hlen("dramatiq:default.msgs") == received
    client.delete(*client.scan_iter("dramatiq:default*"))


def test_a_process_waits_for_a_redis_that_is_not_up_yet(project: Path) -> None:
    with RedisServer() as server:
        server.stop()
        with System(project, server.url) as system:
            system.launch("ingress")
            system.launch("scheduler")
            for name in ("ingress", "scheduler"):
                wait_until(partial(waits, system, name), f"{name} waits")
            system.launch("worker")
            server.start()
            with Wire(server.url) as wire:
                wait_until(lambda: client_listens(wire), "the ingress subscribes")
                assert wire.ask("reverse_string", {"text": "abc"})["status"] == "completed"
            assert "Traceback" not in system.log("ingress") + system.log("scheduler") + system.log("worker")


def test_every_process_comes_back_when_redis_was_restarted(project: Path) -> None:
    with RedisServer() as server, System(project, server.url, dramatiq_restart_delay="50") as system:
        system.start("ingress")
        system.start("worker")
        server.stop()
        server.start()
        with Wire(server.url) as wire:
            wait_until(lambda: client_listens(wire), "the ingress subscribes again")
            assert wire.ask("reverse_string", {"text": "abc"})["status"] == "completed"


def test_a_request_that_waited_longer_than_it_may_expires(own: System, redis_server: RedisServer) -> None:
    own.start("ingress")
    with Follower(redis_server.url) as follower:
        user_id = new_user()
        follower.request(task_type="always_fails", user_id=user_id, max_age_ms=1)
        wait_until(lambda: follower.client.llen("dramatiq:default"), "the request is queued")
        own.start("worker")
        assert [event.get("attempt") for event in follower.life(user_id)] == [None, None]
        (outcome,) = follower.outcomes(user_id)
        assert (outcome["error_code"], outcome.get("attempts"), outcome.get("duration_ms")) == ("expired", None, None)
        assert outcome["task_id"] != "error"


def test_a_stopping_worker_finishes_what_it_began_and_hands_back_the_rest(
    own: System, redis_server: RedisServer, tmp_path: Path
) -> None:
    own.start("ingress")
    own.start("worker")
    with Wire(redis_server.url) as wire:
        users = [new_user() for _ in range(16)]
        for user_id in users:
            parameters = {"seconds": 0.5, "started": str(tmp_path / user_id)}
            wire.publish({"task_type": "sleeps", "user_id": user_id, "parameters": parameters})
        wait_until(lambda: list(tmp_path.iterdir()), "a task runs")
        assert own.stop("worker") == 0
        own.start("worker")
        assert {wire.outcome_of(user_id)["status"] for user_id in users} == {"completed"}


def test_signals_that_arrive_together_are_one_request_to_stop(
    own: System, redis_server: RedisServer, tmp_path: Path
) -> None:
    own.start("ingress")
    worker = own.start("worker")
    with Wire(redis_server.url) as wire:
        user_id = new_user()
        parameters = {"seconds": 0.7, "started": str(tmp_path / "started")}
        wire.publish({"task_type": "sleeps", "user_id": user_id, "parameters": parameters})
        wait_until((tmp_path / "started").exists, "the task runs")
        for process in subprocess.check_output(["pgrep", "--parent", str(worker.pid)], text=True).split():
            subprocess.run(["kill", process], check=False)
        worker.send_signal(signal.SIGINT)  # another than the one to come: two of one kind can arrive as one
        assert own.stop("worker") == 0
        assert wire.outcome_of(user_id)["status"] == "completed"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_wrong_setting_stops_a_command_with_one_line(project: Path, name: str) -> None:
    ended = run_to_its_end(project, COMMANDS[name][0], environment(None, REDIS_PORT="sixty"))
    assert ended.returncode != 0
    own_lines = [line for line in ended.stderr.splitlines() if "dramatiq.MainProcess" not in line]
    assert len(own_lines) == 1, ended.stderr
    assert "redis.port (from REDIS_PORT) is 'sixty'" in own_lines[0]


def test_a_password_never_shows_in_a_log(project: Path) -> None:
    url = f"redis://ada:hush-hush@127.0.0.1:{free_port()}/0"
    with System(project, url) as system:
        system.launch("ingress")
        wait_until(lambda: "Redis does not answer" in system.log("ingress"), "the ingress waits")
        assert "hush" not in system.log("ingress")


def waits(system: System, name: str) -> bool:
    return system.log(name).count("Redis does not answer") >= 2


def client_listens(wire: Wire) -> bool:
    ((_, listeners),) = wire.client.pubsub_numsub("tasks")
    return listeners > 0
