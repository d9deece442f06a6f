"""A process is healthy while it does its work, and not merely while it is there."""

import json
import os
import socket
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import psutil
import pytest
import redis

from client.redis_server import RedisServer
from errors import CallboardError
from monitoring.local import LocalPlace
from monitoring.server import Page, Server
from tests.command_line import callboard
from tests.configured import complaint, load
from tests.system import copy_project, environment, run_to_its_end
from tests.waiting import wait_until
from tests.watched import ROLES, Watched
from tests.wire import Wire

#: Ends the threads that fetch, and nothing else: as if one had died unnoticed.
BREAKING_TASK = """
import threading
from dramatiq.middleware import raise_thread_exception
from dramatiq.worker import ConsumerThread
from pydantic import BaseModel
from task import task

class Nothing(BaseModel): ...

@task()
def ends_consumers() -> Nothing:
    for thread in threading.enumerate():
        if isinstance(thread, ConsumerThread):
            raise_thread_exception(thread.ident, SystemExit)
    return Nothing()
"""


#: What is done with each role takes as long as three tests.
ALL_ROLES = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("project"), {"ends_consumers.py": BREAKING_TASK})


@pytest.fixture
def own(project: Path, redis_server: RedisServer, client: "redis.Redis", tmp_path: Path) -> Iterator[Watched]:
    with Watched(project, redis_server.url, tmp_path) as system:
        yield system


@ALL_ROLES
def test_a_process_that_works_is_healthy_until_it_has_stopped(own: Watched) -> None:
    for role in ROLES:
        assert own.health(role) == (1, f"{role}: no {role} runs here\n")
    own.be_patient()
    own.launch_all()
    for role in ROLES:
        assert own.health(role) == (0, f"{role}: healthy (processes asked: 1)\n")
        assert own.page(role, "/healthz")[0] == 200
        own.stop(role)
        assert own.health(role)[0] == 1
    assert list((own.config.parent / "run").iterdir()) == []


def test_a_worker_that_starts_is_not_ready_and_needs_no_restart(own: Watched) -> None:
    own.launch("worker")

    answers: list[tuple[int, Any]] = []

    def is_answered() -> bool:
        with suppress(URLError):
            answers.append(own.page("worker", "/healthz"))
        return bool(answers)

    wait_until(is_answered, "its port is there")
    status, page = answers[0]
    assert (status, page["reasons"]) == (200, [])
    own.wait_until_ready("worker")


def test_a_worker_whose_consumers_have_died_is_not_healthy_though_its_process_lives(
    own: Watched, redis_server: RedisServer
) -> None:
    own.start("ingress")
    own.start("worker")
    with Wire(redis_server.url) as wire:
        own.wait_until_ready("worker")
        wire.ask("ends_consumers")
        (pid,) = (process.pid for process in own.children("worker"))
        wait_until(lambda: own.page("worker", "/readyz")[0] == 503, "it is noticed")
        complaint = f"pid {pid}: queue 'default': nothing for "
        wait_until(lambda: complaint in own.health("worker", "--live")[1], "each of its queues is named")
        assert own.health("worker", "--live")[0] == 1
        status, page = own.page("worker", "/healthz")
        assert status == 503
        assert any("queue 'default':" in reason for reason in page["reasons"])
        assert psutil.pid_exists(pid)
        own.wait_until_ready("ingress")


@ALL_ROLES
def test_without_redis_a_process_is_not_ready_and_needs_no_restart(project: Path, tmp_path: Path) -> None:
    with RedisServer() as server, Watched(project, server.url, tmp_path) as own:
        own.launch_all()
        server.stop()
        for role in ROLES:
            reasons = wait_until(partial(own.reasons, role), f"{role}: it is noticed")
            assert "nothing for" in reasons[0]
            assert own.page(role, "/healthz")[0] == 200
            assert [own.health(role)[0], own.health(role, "--live")[0]] == [1, 0]
        server.start()
        for role in ROLES:
            own.wait_until_ready(role)


@ALL_ROLES
def test_a_process_that_waits_for_its_first_redis_is_not_ready(project: Path, tmp_path: Path) -> None:
    with RedisServer() as server, Watched(project, server.url, tmp_path) as own:
        own.be_patient()
        server.stop()
        for role in ROLES:
            own.launch(role)
        for role in ROLES:
            wait_until(lambda role=role: "not begun yet" in own.health(role)[1], f"{role} waits")  # type: ignore[misc]
        server.start()
        for role in ROLES:
            own.wait_until_ready(role)


def test_a_process_that_stands_still_does_not_answer(own: Watched) -> None:
    own.start("scheduler")
    own.wait_until_ready("scheduler")
    with own.suspended("scheduler"):
        code, said = own.health("scheduler")
        assert (code, "does not answer within 5 s" in said) == (1, True)
    own.wait_until_ready("scheduler")


def test_a_killed_replica_is_gone_and_the_other_one_is_asked(own: Watched) -> None:
    own.configure(monitoring={"ingress_port": 0})
    own.be_patient()
    own.start("ingress")
    own.start("ingress", as_="standby")
    both = "ingress: healthy (processes asked: 2)\n"
    wait_until(lambda: own.health("ingress")[1] == both, "both are healthy")
    own.kill("ingress")
    assert own.health("ingress")[1] == "ingress: healthy (processes asked: 1)\n"
    own.start("ingress")
    assert len(list((own.config.parent / "run").iterdir())) == 2


def test_another_callboard_on_this_machine_is_not_asked(own: Watched) -> None:
    own.start("scheduler")
    other = callboard(own, "health", "scheduler", CALLBOARD_CONFIG=str(own.config), REDIS_URL="redis://elsewhere:1/0")
    assert (other.returncode, other.stdout) == (1, "scheduler: no scheduler runs here\n")


def test_in_json_each_process_is_listed(own: Watched) -> None:
    own.be_patient()
    process = own.start("scheduler")
    own.wait_until_ready("scheduler")
    shown = json.loads(own.health("scheduler", "--json")[1])
    assert shown == {
        "healthy": True, "reasons": [], "processes": [{"role": "scheduler", "pid": process.pid, "reasons": []}]
    }  # fmt: skip


@ALL_ROLES
def test_a_port_that_is_taken_stops_a_process_with_one_line(own: Watched) -> None:
    own.start("ingress")
    taken = own.ports["ingress"]
    own.configure(monitoring={f"{role}_port": taken for role in ROLES})
    for role in ROLES:
        ended = run_to_its_end(own.project, ["-m", role], environment(own.redis_url, CALLBOARD_CONFIG=str(own.config)))
        assert ended.returncode == 1
        assert f"callboard: monitoring.{role}_port is {taken}" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_folder_that_is_not_to_be_had_is_said_and_nothing_else_fails(own: Watched, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("no folder")
    own.start("ingress")
    assert "`callboard health ingress` cannot ask this process" in own.log("ingress")
    own.wait_until_ready("ingress")


def test_an_unknown_page_names_those_that_there_are(own: Watched) -> None:
    own.start("ingress")
    with pytest.raises(HTTPError) as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{own.ports['ingress']}/", timeout=10)
    assert refused.value.code == 404
    assert b"/readyz, /healthz" in refused.value.read()
    refused.value.close()


def local_place(folder: Path) -> LocalPlace:
    return LocalPlace(load({"monitoring": {"runtime_folder": str(folder)}}))


def test_in_somebody_elses_folder_nobody_answers_and_nobody_is_believed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    place = local_place(tmp_path / "link")
    with pytest.raises(CallboardError, match=r"not this user's own folder.*monitoring\.runtime_folder"):
        place.prepare("ingress")
    with pytest.raises(CallboardError, match=r"not this user's own folder.*monitoring\.runtime_folder"):
        list(place.ask("ingress", "/readyz"))


def test_in_a_folder_that_everybody_may_write_to_nobody_is_believed(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(CallboardError, match=r"written to by every user.*monitoring\.runtime_folder"):
        list(local_place(tmp_path).ask("ingress", "/readyz"))


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder for sockets, whose paths may not be long."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_beside_a_process_that_stands_still_another_one_can_be_asked(short_path: Path) -> None:
    place = local_place(short_path)
    frozen = place.socket("ingress", 1)
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket(socket.AF_UNIX))
        listening.bind(str(frozen))
        listening.listen(0)
        with suppress(BlockingIOError):
            while True:  # until it takes no more callers
                caller = stack.enter_context(socket.socket(socket.AF_UNIX))
                caller.setblocking(False)
                caller.connect(str(frozen))
        assert place.prepare("ingress") == place.socket("ingress", os.getpid())
        assert frozen.exists()


@pytest.mark.parametrize("answer", [b"[1]", b"{}", b'{"role": 1, "pid": 1, "reasons": []}', b"x"])
def test_an_answer_that_is_no_report_is_not_healthy(short_path: Path, answer: bytes) -> None:
    place = local_place(short_path)
    page = Page(HTTPStatus.OK, "application/json", answer)
    server = Server(socket.AF_UNIX, str(place.socket("ingress", 1)), {"/readyz": lambda: page})
    try:
        (report,) = place.ask("ingress", "/readyz")
    finally:
        server.close()
    assert (report.pid, report.healthy) == (1, False)


def test_patience_that_a_working_process_would_exhaust_is_refused() -> None:
    assert "monitoring.stalled_after_s is 1" in complaint({"monitoring": {"stalled_after_s": 1}})


def test_a_user_without_a_name_as_in_a_container_has_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    nobody = 987_654
    monkeypatch.setattr("os.getuid", lambda: nobody)
    assert LocalPlace(load({})).folder.name == f"callboard-{nobody}"
