"""Callboard as a user runs it: whole processes in a copy of the project, each with its own log."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import psutil

from settings import ENVIRONMENT
from tests.acl_server import USER_OF, url_of
from tests.waiting import wait_until

PROJECT = Path(__file__).parents[1]

#: How long a start may take: on a machine with many others, or with a Redis that a fault keeps from answering for 10 s.
START_S = 30.0

#: Not a part of what runs.
LEFT_OUT = shutil.ignore_patterns(".*", "tests", "bench", "docs", "build", "*.egg-info", "__pycache__")

#: The command of each process, and what its log says when it is ready.
COMMANDS = {
    "ingress": (["-m", "ingress"], "Ready"),
    "worker": (["-m", "worker"], "Ready"),
    "dramatiq": (["-m", "dramatiq", "actors", "--processes", "1"], "ready for action"),
    "scheduler": (["-m", "scheduler"], "Ready"),
    "web": (["-m", "client.command", "web", "--port", "0"], "Callboard's page: "),
}

#: Retries follow one another quickly here, and nothing is scheduled.
TEST_CONFIG: dict[str, Any] = {
    "redis": {"host": "localhost", "port": 6379, "channels": {"tasks_queue": "tasks", "results_queue": "results"}},
    "worker": {"max_attempts": 3, "min_backoff_ms": 10, "max_backoff_ms": 50, "time_limit_ms": 20_000, "processes": 1},
    "frontend": {"port": 3000},
}


def copy_project(folder: Path, actors: dict[str, str]) -> Path:
    """A copy of the project in `folder`, with these files added to its `actors/`."""
    project = folder / "callboard"
    shutil.copytree(PROJECT, project, ignore=LEFT_OUT)
    for name, text in actors.items():
        file = project / "actors" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    write_config(project)
    return project


def write_config(folder: Path, **sections: Any) -> Path:
    """The tests' configuration as a file in `folder`, with these sections in place of its own."""
    path = folder / "config.json"
    path.write_text(json.dumps(TEST_CONFIG | sections))
    return path


def environment(redis_url: str | None, **variables: str) -> dict[str, str]:
    """The environment of a process: this one's, with nothing of Callboard's in it but what is given."""
    inherited = {name: value for name, value in os.environ.items() if name not in {"CALLBOARD_CONFIG", *ENVIRONMENT}}
    return inherited | ({"REDIS_URL": redis_url} if redis_url else {}) | variables


def run_to_its_end(
    project: Path, arguments: Sequence[str], variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """What became of a command that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env=variables,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


class System:
    """The processes of one Callboard on one Redis; those that still run at the end are stopped then."""

    def __init__(self, project: Path, redis_url: str, **variables: str) -> None:
        self.project = project
        self.redis_url = redis_url
        self._environment = environment(redis_url, **variables)
        self._logs = tempfile.TemporaryDirectory(prefix="callboard-logs-")
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, command: str, as_: str | None = None, **variables: str) -> subprocess.Popen[bytes]:
        """Starts one of `COMMANDS` and returns once its log says that it is ready.

        Another one of the same has a name of its own, `as_`; `variables` are added to its environment.
        """
        name = as_ or command
        told = len(self.log(name))
        process = self.launch(command, as_, **variables)
        ready = COMMANDS[command][1]

        def is_ready() -> bool:
            assert process.poll() is None, f"{name} ended with {process.returncode}:\n{self.log(name)}"
            return ready in self.log(name)[told:]

        wait_until(is_ready, f"{name} is ready", START_S)
        return process

    def launch(self, command: str, as_: str | None = None, **variables: str) -> subprocess.Popen[bytes]:
        """The same without waiting."""
        name = as_ or command
        arguments = [sys.executable, *COMMANDS[command][0]]
        environment = self._environment | {"REDIS_URL": url_of(self.redis_url, USER_OF[command])} | variables
        with self._log(name).open("ab") as log:
            process = subprocess.Popen(arguments, cwd=self.project, env=environment, stdout=log, stderr=log)
        self._processes[name] = process
        return process

    def stop(self, name: str, by: signal.Signals = signal.SIGTERM, timeout_s: float = 15) -> int:
        """Asks a process to stop; returns its exit code."""
        process = self._processes[name]
        process.send_signal(by)
        code = process.wait(timeout=timeout_s)
        del self._processes[name]
        return code

    def kill(self, name: str, *, children_only: bool = False) -> set[psutil.Process]:
        """SIGKILL for a process and all that it started, or for the latter alone; returns the latter."""
        process = self._processes[name]
        children = self.children(name)
        if not children_only:
            self._processes.pop(name)
            process.kill()
            process.wait()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        return children

    def family(self, name: str) -> set[psutil.Process]:
        """A process with all that it has started."""
        return {psutil.Process(self._processes[name].pid)} | self.children(name)

    @contextmanager
    def suspended(self, name: str) -> Iterator[None]:
        """A process stands still until the context ends."""
        for process in self.family(name):
            process.suspend()
        try:
            yield
        finally:
            for process in self.family(name):
                process.resume()

    def children(self, name: str) -> set[psutil.Process]:
        """What a process has started, and what that has."""
        with suppress(psutil.NoSuchProcess):
            return set(psutil.Process(self._processes[name].pid).children(recursive=True))
        return set()

    def runs(self, *names: str) -> bool:
        """Whether each of these processes was started, was not stopped, and lives."""
        return all(name in self._processes and self._processes[name].poll() is None for name in names)

    def log(self, name: str) -> str:
        """What a process has printed so far."""
        return self._log(name).read_text() if self._log(name).exists() else ""

    def _log(self, name: str) -> Path:
        return Path(self._logs.name, f"{name}.log")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.terminate()
        try:
            for process in self._processes.values():
                process.wait(timeout=15)
        finally:
            for name in [name for name in self._processes if self.runs(name)]:
                self.kill(name)
            self._logs.cleanup()
