"""Where a worker has more processes than cores, and its tasks are short, only some of them look for messages."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import redis

from client.redis_server import RedisServer
from tests.system import PROJECT, System, write_config
from tests.waiting import wait_until
from tests.wire import Wire
from transport import permit as permits
from transport.permit import LATELY, SHORT_TASK_MS, Permit, file_for_permits
from transport.stage import Stage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all processes look for messages")

#: How many threads the processes of these tests have.
THREADS = 8

#: A process with short tasks that has a permit, and asks for messages once.
HOLDER = f"""
import os, sys
from transport.permit import Permit
from transport.stage import Stage

os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
permit = Permit(int(sys.argv[1]), sys.argv[2], {THREADS}, Stage())
for _ in range(2 * {LATELY}):
    permit.note_task(0)
print(permit.allows(), flush=True)
sys.stdin.read()
"""


@contextmanager
def one_core() -> Iterator[None]:
    """What is started in here runs on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [min(before)])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@pytest.fixture
def file() -> Iterator[int]:
    """The permits of processes that have one core."""
    with one_core():
        descriptor = file_for_permits(2)
        assert descriptor is not None
        yield descriptor
        os.close(descriptor)


@contextmanager
def holder(file: int, queue_name: str = "default") -> Iterator[subprocess.Popen[str]]:
    """Another process, which has a permit."""
    command = [sys.executable, "-c", HOLDER, str(file), queue_name]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[file], cwd=PROJECT, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        yield process
        process.kill()


def permit_of(file: int, duration_ms: float = 0, threads: int = THREADS) -> Permit:
    """That of this process, whose tasks took so long."""
    permit = Permit(file, "default", threads, Stage())
    for _ in range(2 * LATELY):
        permit.note_task(duration_ms)
    return permit


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process rests though another one does not ask for long."""
    monkeypatch.setattr(permits, "SILENCE_S", 3600)


def test_no_file_is_needed_where_each_process_has_a_core() -> None:
    assert file_for_permits(len(os.sched_getaffinity(0))) is None
    assert Permit(None, "default", THREADS, Stage()).allows()


@pytest.mark.usefixtures("patience")
def test_while_another_process_has_the_only_permit_this_one_rests(file: int) -> None:
    permit = permit_of(file)
    with holder(file) as other:
        assert not permit.allows()
        other.kill()
        other.wait()
        assert permit.allows()


@pytest.mark.usefixtures("patience")
def test_a_permit_that_is_released_is_another_one_s(file: int) -> None:
    permit = permit_of(file)
    assert permit.allows()
    permit.release()
    with holder(file):
        assert not permit.allows()


def test_nobody_needs_a_permit_whose_tasks_take_longer_than_it_takes_to_get_going(file: int) -> None:
    with holder(file):
        assert permit_of(file, duration_ms=SHORT_TASK_MS * THREADS).allows()


@pytest.mark.usefixtures("patience")
def test_a_process_with_few_threads_needs_no_permit_for_tasks_that_may_keep_them_all_waiting(file: int) -> None:
    with holder(file):
        assert not permit_of(file, duration_ms=SHORT_TASK_MS * 2).allows()
        assert permit_of(file, duration_ms=SHORT_TASK_MS * 2, threads=2).allows()


@pytest.mark.usefixtures("patience")
def test_nobody_needs_a_permit_where_many_tasks_take_long(file: int) -> None:
    with holder(file):
        permit = permit_of(file)
        for number in range(4 * LATELY):
            permit.note_task(1000 if number % 3 == 0 else 0)
        assert permit.allows()


@pytest.mark.usefixtures("patience")
def test_a_process_in_which_a_task_runs_for_long_keeps_no_permit(file: int, monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[Any] = [SimpleNamespace(started_s=time.perf_counter())]
    monkeypatch.setattr(Stage, "running", lambda _: running)
    permit = permit_of(file)
    assert permit.allows()
    assert permit.is_held
    wait_until(lambda: permit.allows() and not permit.is_held, "it runs for long")
    with holder(file):
        assert not permit.allows()


def test_each_queue_has_permits_of_its_own(file: int) -> None:
    with holder(file, "reports"):
        assert permit_of(file).allows()


def test_while_the_one_with_the_permit_does_not_ask_others_need_none(file: int) -> None:
    permit = permit_of(file)
    with holder(file):
        wait_until(permit.allows, "it has been silent for long enough")
        assert permit.allows()


@pytest.mark.parametrize("step", [Permit.allows, Permit.release])
def test_a_process_whose_task_has_closed_the_file_needs_no_permit(file: int, step: Callable[[Permit], object]) -> None:
    permit = permit_of(file)
    assert permit.allows()
    elsewhere = os.dup(file)
    os.close(file)
    step(permit)
    assert not permit.is_held
    assert permit.allows()
    os.dup2(elsewhere, file)
    os.close(elsewhere)


@pytest.fixture
def crowded(project: Path, redis_server: RedisServer, client: "redis.Redis", tmp_path: Path) -> Iterator[System]:
    """A system whose worker has three processes on one core."""
    config = write_config(tmp_path, worker={"processes": 3, "threads": THREADS})
    with one_core(), System(project, redis_server.url, CALLBOARD_CONFIG=str(config)) as system:
        system.start("ingress")
        system.start("worker")
        yield system


def holders(system: System) -> list[psutil.Process]:
    """Those of its worker's processes that have a permit, by what Linux says of all locks."""
    locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return [child for child in system.children("worker") if ["POSIX", str(child.pid)] in [[w[1], w[4]] for w in locks]]


def test_requests_are_answered_while_those_with_a_permit_stand_still_or_are_killed(
    crowded: System, redis_server: RedisServer
) -> None:
    with Wire(redis_server.url) as wire:

        def has_holder() -> list[psutil.Process]:
            assert wire.ask("reverse_string", {"text": "abc"})["status"] == "completed"
            return holders(crowded)

        wait_until(has_holder, "one has the permit")[0].suspend()
        assert wire.ask("reverse_string", {"text": "abc"})["status"] == "completed"
        for frozen in holders(crowded):
            frozen.kill()
        assert len(wait_until(has_holder, "another one has it")) == 1
