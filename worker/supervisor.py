"""Starts the worker processes, replaces each one that dies, and stops them all when it is asked to stop."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress

from loguru import logger

from monitoring.worker_metrics import SLOT
from settings import Settings
from transport.crew import file_for_crew, place_in_crew
from transport.permit import file_for_permits
from transport.termination import SAME_REQUEST_S
from worker.child import PREDECESSOR, Child, described
from worker.pauses import Pauses

#: A process that hangs is killed so long before the time at which everything has to be gone.
KILL_RESERVE_S = 0.5


class Supervisor:
    """Keeps `worker.processes` processes running; the death of one does not touch the others.

    They share a pipe as their standard input, which nobody writes to. Its end asks them to stop: when the supervisor
    closes it, and also when the supervisor is killed, so that no process lives on unnoticed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lifeline, self._lifeline_end = os.pipe()
        self._permits = file_for_permits(settings.worker.processes)
        self._crew = file_for_crew(settings.worker.processes)
        self._stopping = asyncio.Event()
        self._asked_s = 0.0
        self._running: set[Child] = set()
        #: The id of the worker that has consumed last in each slot.
        self._worker_ids: dict[int, str] = {}
        self._exit_code = 0
        self._environment: Mapping[str, str] = {}

    @property
    def pids(self) -> set[int]:
        """The ids of the processes that there are now."""
        return {child.pid for child in self._running}

    @property
    def is_starting(self) -> bool:
        """Whether none of them has begun to consume yet."""
        return not self._worker_ids

    async def run(self, environment: Mapping[str, str]) -> int:
        """Returns the exit code of the command, once it was asked to stop and every process is gone.

        Parameters:
            environment: variables that are added to that of each process.
        """
        self._environment = environment
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._receive)
        async with asyncio.TaskGroup() as group:
            for slot in range(1, self._settings.worker.processes + 1):
                group.create_task(self._keep(slot))
        logger.info("Stopped")
        return self._exit_code

    async def _keep(self, slot: int) -> None:
        """Keeps one process running, whichever it is by now."""
        pauses = Pauses()
        predecessor = ""
        while not self._stopping.is_set():
            consumed_s, end = await self._live(slot, predecessor)
            if self._stopping.is_set():
                return
            pause_s = pauses.after(consumed_s)
            # After several short lives the next one would have the same in hand at once, and die of it once more.
            predecessor = "" if pause_s else self._worker_ids.get(slot, "")
            when = f"in {pause_s:.2f} s" if pause_s else "now"
            logger.error("Worker process {} {}; another one starts {}", slot, end, when)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause_s)

    async def _live(self, slot: int, predecessor: str) -> tuple[float, str]:
        """The life of one process: for how many seconds it consumed, and how it ended. It brings back at once what the
        worker with the id `predecessor` held, if there is one."""
        try:
            own = {SLOT: str(slot), PREDECESSOR: predecessor, **place_in_crew(self._crew, slot)}
            environment = {**self._environment, **own}
            child = await Child.start(self._lifeline, environment, permits=self._permits, crew=self._crew)
        except OSError as error:
            return 0.0, f"cannot be started: {error}"
        self._running.add(child)
        if await child.is_ready():
            self._tell_ready(slot, child)
        exit_code = await child.end()
        self._running.remove(child)
        if self._stopping.is_set():
            # The signals end one that is still loading its modules; a terminal sends Ctrl-C to all.
            self._exit_code = self._exit_code or int(exit_code not in (0, -signal.SIGINT, -signal.SIGTERM))
        elif exit_code > 0 and self.is_starting:
            self._refuse_to_start(exit_code, child.complaint)
        return child.consumed_s, "\n".join(filter(None, [f"(pid {child.pid}) {described(exit_code)}", child.complaint]))

    def _tell_ready(self, slot: int, child: Child) -> None:
        processes, threads = self._settings.worker.processes, self._settings.worker.threads
        logger.info("Worker process {} (pid {}) consumes", slot, child.pid)
        is_first = slot not in self._worker_ids
        self._worker_ids[slot] = child.worker_id
        if is_first and len(self._worker_ids) == processes:
            location = self._settings.redis.location
            logger.info("Ready: {} processes with {} threads each, Redis at {}", processes, threads, location)

    def _refuse_to_start(self, exit_code: int, complaint: str) -> None:
        # None has ever consumed, and this one says itself that it cannot: the next ones would say the same.
        complaint = complaint or f"callboard: a worker process {described(exit_code)} before it could begin"
        sys.stderr.write(f"{complaint}\n")
        self._exit_code = exit_code
        self._stop()

    def _receive(self) -> None:
        now_s = time.monotonic()
        if not self._stopping.is_set():
            self._asked_s = now_s
            logger.info("Stopping {} worker processes", len(self._running))
            self._stop()
        elif now_s - self._asked_s > SAME_REQUEST_S:
            self._kill("Asked to stop once more")

    def _stop(self) -> None:
        self._stopping.set()
        os.close(self._lifeline_end)
        patience_s = self._settings.worker.shutdown_timeout_ms / 1000 - KILL_RESERVE_S
        asyncio.get_running_loop().call_later(patience_s, self._kill, "Did not stop in time")

    def _kill(self, reason: str) -> None:
        for child in self._running:
            logger.error("{}: worker process with pid {} is killed", reason, child.pid)
            child.kill()
