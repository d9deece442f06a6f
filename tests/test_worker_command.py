"""`python -m worker`: processes that are replaced when they die, and stop when their supervisor does."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

import psutil
import pytest
import redis

from client.redis_server import RedisServer
from tests.command_line import callboard
from tests.system import START_S, System, copy_project, environment, run_to_its_end, write_config
from tests.waiting import wait_until
from tests.wire import Wire, new_user
from transport.pulse import crew_key, whereabouts
from worker.child import described
from worker.pauses import LONGEST_PAUSE_S, USEFUL_LIFE_S, Pauses

#: A task that waits in a queue of its own.
REPORT = """
from task import task

@task(queue_name="reports")
def report(text: str) -> dict[str, str]:
    return {"text": text}
"""


@pytest.fixture
def own(project: Path, redis_server: RedisServer, client: "redis.Redis", tmp_path: Path) -> Iterator[System]:
    """A system whose worker has two processes, on the tests' empty Redis."""
    config = write_config(tmp_path, worker={"processes": 2, "threads": 2})
    with System(project, redis_server.url, CALLBOARD_CONFIG=str(config)) as system:
        yield system


def processes(system: System, pid: int) -> list[psutil.Process]:
    """The processes of a worker command, once all of them consume."""
    children = psutil.Process(pid).children()
    wait_until(lambda: all(f"(pid {child.pid}) consumes" in system.log("worker") for child in children), "all consume")
    return children


def test_a_killed_process_is_replaced_while_the_other_one_goes_on(own: System, redis_server: RedisServer) -> None:
    own.start("ingress")
    worker = own.start("worker")
    first, second = processes(own, worker.pid)
    with Wire(redis_server.url) as wire:
        first.kill()

        def is_replaced() -> bool:
            assert wire.ask("reverse_string", {"text": "abc"})["status"] == "completed"
            return own.log("worker").count("consumes") == 3

        wait_until(is_replaced, "another one consumes")
    assert second in processes(own, worker.pid)
    assert len(processes(own, worker.pid)) == 2
    assert "was killed by SIGKILL" in own.log("worker")


def test_the_process_that_replaces_a_killed_one_begins_its_task_however_alive_that_seems(
    own: System, redis_server: RedisServer, client: "redis.Redis", tmp_path: Path
) -> None:
    own.start("ingress")
    own.start("worker")
    started = tmp_path / "started"
    with Wire(redis_server.url) as wire:
        user_id = new_user()
        wire.publish({"task_type": "is_slow_at_first", "user_id": user_id, "parameters": {"started": str(started)}})
        wait_until(started.exists, "the task runs")
        (held,) = client.scan_iter("dramatiq:__acks__.*")
        worker_id = held.decode().removeprefix("dramatiq:__acks__.").removesuffix(".default")
        psutil.Process(whereabouts(worker_id)["pid"]).kill()
        client.persist(crew_key("dramatiq", worker_id))
        assert wire.outcome_of(user_id)["status"] == "completed"


def test_the_processes_that_replaced_killed_ones_take_work(own: System, redis_server: RedisServer) -> None:
    own.start("ingress")
    worker = own.start("worker")
    for child in processes(own, worker.pid):
        child.kill()
    wait_until(lambda: own.log("worker").count("consumes") == 4, "two other ones consume")
    with Wire(redis_server.url) as wire:
        assert wire.ask("reverse_string", {"text": "abc"})["status"] == "completed"


def test_processes_that_die_one_after_another_are_replaced_later_and_later(own: System) -> None:
    worker = own.start("worker")
    for died in range(1, 4):
        processes(own, worker.pid)[0].kill()
        wait_until(lambda: own.log("worker").count("was killed") == died, "the death is seen")  # noqa: B023
        wait_until(lambda: own.log("worker").count("consumes") == 2 + died, "another one consumes")  # noqa: B023
    assert "another one starts now" in own.log("worker")


def test_a_short_life_is_followed_by_a_pause_that_grows_to_a_limit() -> None:
    pauses = Pauses()
    waited = [pauses.after(0.0) for _ in range(10)]
    assert waited[0] == 0
    assert waited[1:] == sorted(waited[1:])
    assert waited[1] > 0
    assert waited[-1] == LONGEST_PAUSE_S
    assert pauses.after(USEFUL_LIFE_S) == 0


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [
        (3, "ended with exit code 3"),
        (-signal.SIGSEGV, "was killed by SIGSEGV"),
        (-signal.SIGKILL, "was killed by SIGKILL (somebody sent it, or memory ran out)"),
        (-(signal.SIGRTMIN + 1), f"was killed by signal {signal.SIGRTMIN + 1}"),
    ],
)
def test_how_a_process_ended_is_told_in_words(exit_code: int, words: str) -> None:
    assert described(exit_code) == words


def test_the_processes_stop_when_their_supervisor_is_killed(own: System, client: "redis.Redis") -> None:
    worker = own.start("worker")
    children = processes(own, worker.pid)
    own.stop("worker", signal.SIGKILL)
    gone, alive = psutil.wait_procs(children, timeout=15)
    assert alive == []
    assert len(gone) == 2
    assert client.zcard("dramatiq:__heartbeats__") == 0


def test_a_process_whose_supervisor_is_killed_while_it_starts_stops(
    project: Path, redis_server: RedisServer, client: "redis.Redis"
) -> None:
    command = [sys.executable, "-m", "worker.process"]
    variables = environment(redis_server.url)
    with subprocess.Popen(command, cwd=project, env=variables, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.close()
        process.stdout.close()
        try:
            assert process.wait(timeout=START_S) == 0
        finally:
            process.kill()
    assert client.zcard("dramatiq:__heartbeats__") == 0


def test_a_second_request_to_stop_kills(own: System, redis_server: RedisServer, tmp_path: Path) -> None:
    own.start("ingress")
    worker = own.start("worker")
    children = processes(own, worker.pid)
    with Wire(redis_server.url) as wire:
        user_id = new_user()
        started = tmp_path / "started"
        wire.publish({"task_type": "is_slow_at_first", "user_id": user_id, "parameters": {"started": str(started)}})
        wait_until(started.exists, "the task runs")

        def ends() -> bool:
            worker.terminate()
            return worker.poll() is not None

        wait_until(ends, "the command ends")
        assert own.stop("worker") != 0
        assert not any(child.is_running() for child in children)
        wire.client.flushall()


@pytest.mark.parametrize(
    ("module", "complaint"),
    [
        ("from task import task\n\n@task()\ndef f(a) -> dict: ...\n", "callboard: task 'f': parameter 'a'"),
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(1)\n", "callboard: a worker process ended with exit code 1"),
    ],
    ids=["declaration", "import", "exit"],
)
def test_a_module_that_cannot_be_imported_ends_the_command_and_is_told_once(
    tmp_path: Path, redis_server: RedisServer, module: str, complaint: str
) -> None:
    project = copy_project(tmp_path, {"broken.py": module})
    write_config(project, worker={"processes": 2})
    ended = run_to_its_end(project, ["-m", "worker"], environment(redis_server.url))
    assert ended.returncode == 1
    assert ended.stderr.count(complaint) == 1
    assert ended.stderr.count("Traceback") <= 1


def test_a_worker_serves_only_the_queues_that_it_is_told_to(
    tmp_path: Path, redis_server: RedisServer, client: "redis.Redis"
) -> None:
    project = copy_project(tmp_path, {"report.py": REPORT})
    write_config(project, worker={"processes": 1, "queues": ["reports"]})
    with System(project, redis_server.url) as own, Wire(redis_server.url) as wire:
        own.start("ingress")
        own.start("worker")
        wire.publish({"task_type": "reverse_string", "user_id": "other", "parameters": {"text": "abc"}})
        assert wire.ask("report", {"text": "abc"})["result"] == {"text": "abc"}
        wait_until(lambda: callboard(own, "health", "worker").returncode == 0, "it is healthy")
        assert client.llen("dramatiq:default") == 1
    client.delete(*client.scan_iter("dramatiq:default*"))


def test_a_queue_that_no_task_is_in_is_refused(tmp_path: Path, redis_server: RedisServer) -> None:
    project = copy_project(tmp_path, {"report.py": REPORT})
    write_config(project, worker={"queues": ["report"]})
    ended = run_to_its_end(project, ["-m", "worker"], environment(redis_server.url))
    assert ended.returncode == 1
    assert "callboard: worker.queues holds 'report', and no task is in that queue: default, reports" in ended.stderr
