"""A process that is asked to stop: in time, with nothing lost and nothing answered twice."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from loguru import logger

import ingress.intake
import ingress.replica
from client.redis_server import RedisServer
from tests.replicas import replica_on
from tests.silent_redis import silent
from tests.system import COMMANDS, TEST_CONFIG, System, write_config
from tests.waiting import wait_until
from tests.wire import Outcome, Wire, new_user
from transport.connection import StopRequest, connect

#: With two seconds of grace, the least that can be set.
WORKER_SETTINGS = TEST_CONFIG["worker"] | {"shutdown_timeout_ms": 5000}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration that grants a stopping worker little time."""
    return write_config(tmp_path, worker=WORKER_SETTINGS)


@pytest.fixture
def own(project: Path, redis_server: RedisServer, client: "redis.Redis", config: Path) -> Iterator[System]:
    """A system that the test starts and stops itself, on the tests' empty Redis."""
    with System(project, redis_server.url, CALLBOARD_CONFIG=str(config)) as system:
        yield system


def outcomes_over_a_stop(own: System, worker: str, task_type: str, started: Path) -> list[Outcome]:
    """The outcomes of one request, whose task runs when its worker is stopped; another worker follows."""
    own.start("ingress")
    own.start(worker)
    with Wire(own.redis_url) as wire:
        user_id = new_user()
        wire.publish({"task_type": task_type, "user_id": user_id, "parameters": {"started": str(started)}})
        wait_until(started.exists, "the task runs")
        assert own.stop(worker) == 0
        own.start(worker)
        outcome = wire.outcome_of(user_id)
        wire.ask("reverse_string", {"text": "and now one that shows that no more follow"})
        return [outcome, *(other for other in wire.heard if other["user_id"] == user_id)]


@pytest.mark.parametrize(
    ("worker", "task_type"),
    [("worker", "is_slow_at_first"), ("dramatiq", "is_slow_at_first"), ("worker", "blocks_its_loop_at_first")],
)
def test_a_task_that_takes_longer_than_the_grace_is_handed_back_and_answered_once(
    own: System, worker: str, task_type: str, tmp_path: Path
) -> None:
    (outcome,) = outcomes_over_a_stop(own, worker, task_type, tmp_path / "started")
    assert outcome["result"] == {"text": "done"}
    assert outcome["attempts"] == 1
    assert "1 tasks have not ended in time" in own.log(worker)


@pytest.mark.parametrize("task_type", ["goes_elsewhere", "goes_elsewhere_slowly"])
def test_a_task_that_ends_when_it_is_told_of_the_stop_runs_again_and_that_is_no_failure(
    own: System, config: Path, task_type: str, tmp_path: Path
) -> None:
    # More than the second for which Dramatiq waits for a coroutine.
    write_config(config.parent, worker=WORKER_SETTINGS | {"shutdown_timeout_ms": 10_000})
    (outcome,) = outcomes_over_a_stop(own, "worker", task_type, tmp_path / "started")
    assert outcome["result"] == {"text": "done"}
    assert outcome["attempts"] == 1
    assert "Traceback" not in own.log("worker")
    assert "not ended in time" not in own.log("worker")


def test_a_task_may_answer_when_it_is_told_of_the_stop(own: System, tmp_path: Path) -> None:
    (outcome,) = outcomes_over_a_stop(own, "worker", "comes_to_an_end", tmp_path / "started")
    assert outcome["result"] == {"text": "what there was by then"}


def test_what_a_stopping_worker_has_not_begun_is_back_before_its_tasks_end(
    own: System, client: "redis.Redis", config: Path, tmp_path: Path
) -> None:
    write_config(config.parent, worker=WORKER_SETTINGS | {"shutdown_timeout_ms": 20_000})
    go_on = tmp_path / "go on"
    own.start("ingress")
    worker = own.start("worker", dramatiq_queue_prefetch="16")  # of its own accord it holds no more than 8
    with Wire(own.redis_url) as wire:
        users = [new_user() for _ in range(20)]
        for user_id in users:
            wire.publish({"task_type": "waits_for", "user_id": user_id, "parameters": {"file": str(go_on)}})
        wait_until(lambda: client.llen("dramatiq:default") == 4, "all that the worker takes is taken")
        worker.terminate()
        wait_until(lambda: client.llen("dramatiq:default") >= 12, "the rest is back")
        assert worker.poll() is None
        go_on.touch()
        assert worker.wait(timeout=15) == 0
        own.start("worker")
        assert {wire.outcome_of(user_id)["status"] for user_id in users} == {"completed"}


def test_a_worker_process_that_stands_still_is_killed_in_time(own: System) -> None:
    own.start("worker")
    (child,) = own.children("worker")
    child.suspend()
    assert own.stop("worker") == 1
    assert f"Did not stop in time: worker process with pid {child.pid} is killed" in own.log("worker")
    assert not child.is_running()


@pytest.mark.timeout(150)
def test_each_process_stops_although_redis_hangs(project: Path, config: Path) -> None:
    # The time in which an answer is given up, so that the test need not wait the usual one.
    url_option = "?socket_timeout=1"
    with RedisServer() as server, System(project, server.url + url_option, CALLBOARD_CONFIG=str(config)) as system:
        processes = [system.start(name) for name in COMMANDS]
        with silent(server):
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(timeout=15)


REQUEST = b'{"task_type": "reverse_string", "user_id": "u", "parameters": {"text": "hello"}}'


def publish_to_a_redis_that_then_hangs(client: "redis.Redis", count: int) -> None:
    """Whoever listens hears all of them, and cannot write any more."""
    with client.pipeline(transaction=False) as pipeline:
        for _ in range(count):
            pipeline.publish("tasks", REQUEST)
        pipeline.execute_command("CLIENT", "PAUSE", 60_000, "WRITE")
        assert sum(pipeline.execute()[:-1]) == count


def test_a_stopping_ingress_waits_for_a_redis_that_comes_back(own: System, client: "redis.Redis") -> None:
    process = own.start("ingress")
    publish_to_a_redis_that_then_hangs(client, 1000)
    process.terminate()
    client.execute_command("CLIENT", "UNPAUSE")
    assert process.wait(timeout=15) == 0
    assert client.hlen("dramatiq:default.msgs") == 1000
    client.delete(*client.scan_iter("dramatiq:default*"))


def test_a_stopping_ingress_waits_for_a_redis_that_refuses_something(project: Path, config: Path) -> None:
    with (
        RedisServer() as server,
        connect(server.url) as operator,
        System(project, server.url, CALLBOARD_CONFIG=str(config)) as system,
    ):
        process = system.start("ingress")
        operator.execute_command("ACL", "SETUSER", "default", "-@scripting", "-pexpire")
        wait_until(lambda: "permissions" in system.log("ingress"), "it cannot keep its lease")
        assert operator.publish("tasks", REQUEST) == 1
        process.terminate()
        wait_until(lambda: not operator.pubsub_numsub("tasks")[0][1], "it has heard the last request")
        operator.execute_command("ACL", "SETUSER", "default", "+@all")
        assert process.wait(timeout=15) == 0
        assert operator.hlen("dramatiq:default.msgs") == 1


def test_requests_that_a_stop_without_redis_loses_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ingress.intake, ingress.replica):
        monkeypatch.setattr(module, "PATIENCE_S", 0.1)
    lines: list[str] = []
    sink = logger.add(lines.append, format="{message}")
    with RedisServer() as server, connect(f"{server.url}?socket_timeout=0.2") as client:
        stop = StopRequest()
        replica = replica_on(client, stop)
        ended: list[BaseException] = []

        def run() -> None:
            try:
                replica.run()
            except redis.RedisError as error:
                ended.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        wait_until(lambda: "Ready: listening on channel 'tasks'\n" in lines, "it listens")
        publish_to_a_redis_that_then_hangs(client, 1000)
        stop.request()
        thread.join()
        # Some may have been taken in before Redis has read all of what it was sent.
        taken_in = client.hlen("dramatiq:default.msgs")
    logger.remove(sink)
    assert len(ended) == 1
    assert any(f"{1000 - taken_in} requests are lost" in line for line in lines)
