"""Ctrl-C, and SIGTERM, while a program is still loading its modules, or the Redis that it needs is still starting."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from client.redis_server import free_port
from tests.system import environment
from tests.waiting import wait_until

#: Stands in for a module that every program imports; in the one that is named, it takes its time.
SLOW_MODULE = """
import importlib, os, sys, time
from pathlib import Path

if sys.argv[0].endswith(os.environ["SLOW"]):
    Path(os.environ["REACHED"]).touch()
    time.sleep(60)
sys.path.remove(str(Path(__file__).parent))
del sys.modules["tenacity"]
importlib.import_module("tenacity")
"""

#: A server that never answers.
SILENT_SERVER = '#!/bin/sh\necho $$ >"$REACHED.new" && mv "$REACHED.new" "$REACHED" && exec sleep 60\n'


class Started:
    """A program in a process group of its own, with what it prints; something in it takes its time, and makes the file
    `reached` when it is there."""

    def __init__(self, project: Path, folder: Path, *words: str, **variables: str) -> None:
        self.reached, self._output = folder / "reached", folder / "output"
        url = None if "PATH" in variables else f"redis://127.0.0.1:{free_port()}/0"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *words],
                cwd=project,
                env=environment(url, REACHED=str(self.reached), **variables),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def end(self, by: signal.Signals) -> tuple[int, str]:
        """Exit code and output, after the signal was sent to the group, as a terminal does."""
        try:
            wait_until(self.reached.exists, "it is there")
            os.killpg(self.process.pid, by)
            return self.process.wait(timeout=20), self._output.read_text()
        finally:
            self.process.kill()


def slow_module(folder: Path, program: str) -> dict[str, str]:
    """The variables with which that program takes its time to load its modules."""
    modules = folder / "modules"
    modules.mkdir()
    (modules / "tenacity.py").write_text(SLOW_MODULE)
    return {"PYTHONPATH": str(modules), "SLOW": program}


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("words", "program"),
    [
        (["ingress"], "ingress/__main__.py"),
        (["scheduler"], "scheduler.py"),
        (["worker"], "worker/__main__.py"),
        (["callboard", "run"], "callboard.py"),
    ],
)
def test_a_program_that_loads_its_modules_is_ended_by_the_signal_without_a_word(
    project: Path, tmp_path: Path, words: list[str], program: str, by: signal.Signals
) -> None:
    started = Started(project, tmp_path, *words, **slow_module(tmp_path, program))
    assert started.end(by) == (-by, "")


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_whose_processes_load_their_modules_stops_cleanly(
    project: Path, tmp_path: Path, by: signal.Signals
) -> None:
    started = Started(project, tmp_path, "worker", **slow_module(tmp_path, "worker/process.py"))
    exit_code, output = started.end(by)
    assert (exit_code, "Traceback" in output) == (0, False), output


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_redis_that_was_just_started_is_not_left_behind(project: Path, tmp_path: Path, by: signal.Signals) -> None:
    config, server = tmp_path / "config.json", tmp_path / "redis-server"
    config.write_text(f'{{"redis": {{"port": {free_port()}}}}}')
    server.write_text(SILENT_SERVER)
    server.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    started = Started(project, tmp_path, "client.run", PATH=path, CALLBOARD_CONFIG=str(config))
    assert started.end(by) == (0, "")
    assert not psutil.pid_exists(int(started.reached.read_text()))
