"""One worker process, as its supervisor sees it."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

#: How long Dramatiq's consumers pause after a lost connection, in ms. Its own 3 s are long for a client that waits.
RESTART_DELAY = {"dramatiq_restart_delay": "300"}

#: What a process says on its standard output once it consumes, with its worker id; anything else is why it cannot.
READY = "ready "

#: The variable with the id of the worker whose place a process takes, if that has died.
PREDECESSOR = "CALLBOARD_PREDECESSOR"


class Child:
    """A process that was started. Its `worker_id` is known once it consumes; `complaint` is why it could not begin to
    work, if it said so."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._ready_s: float | None = None
        self.pid = process.pid
        self.worker_id = ""
        self.complaint = ""

    @classmethod
    async def start(
        cls, lifeline: int, environment: Mapping[str, str], *, permits: int | None, crew: int | None
    ) -> Self:
        """Starts a process that stops when `lifeline`, the descriptor of a pipe, is at its end; `environment` is added
        to its variables. The others are the descriptors of the files that `Permit` and `Crew` need, if any.

        Raises:
            OSError: when the machine cannot.
        """
        command = (sys.executable, "-m", "worker.process", *([] if permits is None else [str(permits)]))
        files = [file for file in (permits, crew) if file is not None]
        variables = {**RESTART_DELAY, **os.environ, **environment}
        return cls(
            await asyncio.create_subprocess_exec(*command, stdin=lifeline, stdout=PIPE, pass_fds=files, env=variables)
        )

    async def is_ready(self) -> bool:
        """Waits until it consumes, or says that it cannot; returns whether it does."""
        stream = self._process.stdout
        assert stream is not None  # noqa: S101 - it was asked for
        first_line = (await stream.readline()).decode(errors="replace")
        if first_line.startswith(READY):
            self.worker_id = first_line.removeprefix(READY).strip()
            self._ready_s = time.monotonic()
            return True
        self.complaint = (first_line + (await stream.read()).decode(errors="replace")).strip()
        return False

    async def end(self) -> int:
        """Waits for its exit code; a negative one is the number of the signal that killed it."""
        return await self._process.wait()

    def kill(self) -> None:
        """Ends it at once."""
        with suppress(ProcessLookupError):
            self._process.kill()

    @property
    def consumed_s(self) -> float:
        """For how long it has consumed by now."""
        return 0.0 if self._ready_s is None else time.monotonic() - self._ready_s


def described(exit_code: int) -> str:
    """How a process ended, for the log."""
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:  # a real-time signal, which has no name
        name = f"signal {-exit_code}"
    return f"was killed by {name}" + (" (somebody sent it, or memory ran out)" if name == "SIGKILL" else "")
