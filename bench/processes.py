"""Starts the processes of a system, waits until it answers, adds up what they cost, and stops them without a trace."""

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from bench.probe import is_answered
from bench.systems import System

READY_S = 60.0
SETTLE_S = 60.0
STOP_S = 15.0
POLL_S = 0.01

#: A system has settled once it spends less than this share of one core for this long.
SETTLED_SHARE = 0.05
SETTLED_S = 0.5


class ProcessError(Exception):
    """A process of the system under test ended, or did not get ready in time."""


class Processes:
    """The processes that were started for one system, with their children: not Redis, and not the load driver."""

    def __init__(self, system: System, url: str, own_folder: Path) -> None:
        config = own_folder / "config.json"
        config.write_text(json.dumps(json.loads((system.folder / config.name).read_text()) | system.sections))
        self._folder = system.folder
        self._environment = {**os.environ, "REDIS_URL": url, "CALLBOARD_CONFIG": str(config)}
        self._log = own_folder / "log"
        self._started: list[psutil.Popen] = []
        self.url = url

    def start(self, *command: str) -> None:
        """Starts one more process, in a session of its own so that it can be ended with all its children."""
        with self._log.open("ab") as log:
            process = psutil.Popen(
                command, cwd=self._folder, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        self._started.append(process)

    @property
    def started(self) -> tuple[psutil.Process, ...]:
        """The processes started, in the order of starting, without their descendants."""
        return tuple(self._started)

    def family(self) -> list[psutil.Process]:
        """The processes started and all their descendants that live now."""
        family: list[psutil.Process] = []
        for process in self._started:
            with suppress(psutil.NoSuchProcess):
                family.append(process)
                family += process.children(recursive=True)
        return family

    def cpu_s(self) -> float:
        """CPU seconds spent so far, in user and kernel mode, by living processes and by children they have reaped."""
        total_s = 0.0
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total_s += times.user + times.system + times.children_user + times.children_system
        return total_s

    def peak_memory_bytes(self) -> int:
        """The sum of each process's largest resident set so far; pages shared between processes count for each."""
        return sum(_status_bytes(process, "VmHWM") for process in self.family())

    def memory_bytes(self) -> list[int]:
        """The resident set now of each started process with its descendants, in the order of starting."""
        return [_resident_bytes(process) for process in self._started]

    def wait_until(self, condition: Callable[[], bool], what: str, patience_s: float) -> None:
        """Polls `condition` until it holds, for `patience_s` at most.

        Raises:
            ProcessError: when a process ends or the time is over first, with the end of the log.
        """
        deadline_s = time.monotonic() + patience_s
        while not condition():
            dead = any(process.poll() is not None for process in self._started)
            if dead or time.monotonic() > deadline_s:
                reason = "a process ended" if dead else "time ran out"
                log = self._log.read_text(errors="replace")[-3000:]
                raise ProcessError(f"{reason} before {what}; the log ends:\n{log}")
            time.sleep(POLL_S)

    def wait_until_ready(self) -> None:
        """Returns once a probe request is answered."""
        self.wait_until(lambda: is_answered(self.url), "a probe request was answered", READY_S)

    def wait_until_settled(self) -> None:
        """Returns once starting up, or whatever else it was doing, no longer takes CPU time."""
        self.wait_until(self._is_quiet, "the system came to rest", SETTLE_S)

    def _is_quiet(self) -> bool:
        before_s = self.cpu_s()
        time.sleep(SETTLED_S)
        return self.cpu_s() - before_s < SETTLED_SHARE * SETTLED_S

    def stop(self) -> None:
        """Asks each started process to end its children and itself, and kills what is left after a deadline."""
        # Listed first: once a parent has ended, its children can no longer be found from it.
        family = self.family()
        for process in self._started:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        _, alive = psutil.wait_procs(family, timeout=STOP_S)
        for left in alive:
            with suppress(ProcessLookupError):
                os.killpg(os.getpgid(left.pid), signal.SIGKILL)
        psutil.wait_procs(alive, timeout=STOP_S)


@contextmanager
def processes(system: System, url: str) -> Iterator[Processes]:
    """A place to start the processes of a system in; they are stopped when the context ends."""
    with tempfile.TemporaryDirectory(prefix="callboard-bench-") as own_folder:
        started = Processes(system, url, Path(own_folder))
        try:
            yield started
        finally:
            started.stop()


@contextmanager
def running(system: System, url: str) -> Iterator[Processes]:
    """The system with all its parts, answering and at rest; stopped when the context ends."""
    with processes(system, url) as started:
        for command in system.commands:
            started.start(*command)
        started.wait_until_ready()
        started.wait_until_settled()
        yield started


def _resident_bytes(process: psutil.Process) -> int:
    return sum(_status_bytes(member, "VmRSS") for member in [process, *process.children(recursive=True)])


def _status_bytes(process: psutil.Process, key: str) -> int:
    """A size from /proc/PID/status: psutil knows the present resident set, and on Linux not the largest."""
    with suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == key:
                return int(value.removesuffix("kB")) * 1024
    return 0
