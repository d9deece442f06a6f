"""`make run`: everything with one command, and nothing left of it after Ctrl-C."""

import io
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import redis
from honcho.printer import Printer

from client.redis_server import RedisServer, free_port, why_no_answer
from client.run import PatientManager
from tests.system import environment, run_to_its_end, write_config
from tests.waiting import DEADLINE_S, wait_until
from tests.wire import Wire

#: As the programs of `find_redis_server` call themselves.
SERVERS = {"redis-server", "valkey-server"}


def test_one_command_runs_everything_and_ctrl_c_ends_it(project: Path, tmp_path: Path) -> None:
    runner, output = _run(project, tmp_path)
    port = json.loads((tmp_path / "config.json").read_text())["redis"]["port"]
    try:
        wait_until(lambda: "Callboard is ready" in output.read_text(), "everything is ready")
        with Wire(f"redis://127.0.0.1:{port}/0") as wire:
            assert wire.ask("reverse_string", {"text": "abc"})["result"] == {"reversed_text": "cba"}
        started = psutil.Process(runner.pid).children(recursive=True)
        assert len(started) > 3
    finally:
        runner.send_signal(signal.SIGINT)
        assert runner.wait(timeout=20) == 0, output.read_text()
    assert [process for process in started if process.is_running()] == []
    assert "Traceback" not in output.read_text()


def test_a_process_that_honcho_has_just_forked_ends_although_it_hears_ctrl_c() -> None:
    manager = PatientManager(Printer(io.StringIO()))
    manager.add_process("program", "true")
    forked = multiprocessing.get_context("fork").Process(target=manager.terminate)
    forked.start()
    forked.join(DEADLINE_S)
    exit_code = forked.exitcode
    forked.kill()
    assert exit_code == 0


def test_everything_ends_when_the_terminal_is_closed(project: Path, tmp_path: Path) -> None:
    runner, output = _run(project, tmp_path)
    wait_until(lambda: "Callboard is ready" in output.read_text(), "everything is ready")
    started = psutil.Process(runner.pid).children(recursive=True)
    runner.send_signal(signal.SIGHUP)
    assert runner.wait(timeout=20) == 0, output.read_text()
    assert [process for process in started if process.is_running()] == []


def test_everything_ends_when_nobody_reads_what_it_prints(project: Path, tmp_path: Path) -> None:
    with (tmp_path / "errors").open("wb") as errors:
        runner = subprocess.Popen(
            [sys.executable, "-m", "client.run"],
            cwd=project,
            env=_of_its_own(tmp_path),
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    assert runner.stdout is not None
    while b"worker started" not in runner.stdout.readline():
        pass
    started = psutil.Process(runner.pid).children(recursive=True)
    runner.stdout.close()
    assert runner.wait(timeout=20) == 0
    assert [process for process in started if process.is_running()] == []
    assert (tmp_path / "errors").read_text() == ""


def test_a_program_that_ends_with_an_error_ends_everything(project: Path, tmp_path: Path) -> None:
    job = {"name": "tea", "interval_s": 60, "task_type": "make_tea", "user_id": "me"}
    config = write_config(tmp_path, redis={"port": free_port()}, schedule=[job])
    ended = run_to_its_end(project, ["-m", "client.run"], environment(None, CALLBOARD_CONFIG=str(config)))
    assert ended.returncode == 1
    assert "schedule[0] would be refused" in ended.stdout
    assert "a program ended by itself with exit code 1" in ended.stderr


def test_everything_ends_when_the_redis_that_was_started_for_it_does(project: Path, tmp_path: Path) -> None:
    runner, output = _run(project, tmp_path)
    try:
        wait_until(lambda: "Callboard is ready" in output.read_text(), "everything is ready")
        started = psutil.Process(runner.pid).children(recursive=True)
        (server,) = (process for process in started if process.name() in SERVERS)
        server.kill()
        assert runner.wait(timeout=20) == 1, output.read_text()
    finally:
        runner.send_signal(signal.SIGINT)
        runner.wait(timeout=20)
    assert [process for process in started if process.is_running()] == []
    last_line = output.read_text().splitlines()[-1]
    assert "the Redis that was started for this was killed by SIGKILL" in last_line
    assert "Ready to accept connections" in last_line


def test_a_redis_elsewhere_that_does_not_answer_is_not_replaced(project: Path) -> None:
    url = f"redis://:hush-hush@127.0.0.1:{free_port()}/0"
    ended = run_to_its_end(project, ["-m", "client.run"], environment(url))
    assert ended.returncode == 1
    assert "no Redis answers" in ended.stderr
    assert "hush" not in ended.stderr
    assert os.linesep not in ended.stderr.strip()


def test_what_is_no_redis_is_said_in_one_line(project: Path, tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        elsewhere = environment(f"redis://127.0.0.1:{other.server_port}/0")
        config = write_config(tmp_path, redis={"port": other.server_port})
        for variables in (elsewhere, environment(None, CALLBOARD_CONFIG=str(config))):
            ended = run_to_its_end(project, ["-m", "client.run"], variables)
            assert ended.returncode == 1
            assert len(ended.stderr.splitlines()) == 1
            assert re.match("callboard: (no Redis answers at|the Redis server started on port)", ended.stderr)
        other.shutdown()


def test_a_redis_that_refuses_a_ping_is_one_that_answers() -> None:
    with RedisServer() as server:
        with redis.Redis.from_url(server.url) as client:
            client.execute_command("ACL", "SETUSER", "mute", "on", ">hush-hush", "-@all")
        assert why_no_answer(server.url.replace("//", "//mute:hush-hush@")) is None


def _run(project: Path, folder: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """`make run` with a Redis of its own, and the file that everything it prints goes to."""
    output = folder / "output"
    with output.open("wb") as file:
        runner = subprocess.Popen(
            [sys.executable, "-m", "client.run"], cwd=project, env=_of_its_own(folder), stdout=file, stderr=file
        )
    return runner, output


def _of_its_own(folder: Path) -> dict[str, str]:
    """The environment in which it starts a Redis."""
    return environment(None, CALLBOARD_CONFIG=str(write_config(folder, redis={"port": free_port()})))
