"""A worker process that has lost one of its threads stops."""

import os
import signal

from dramatiq import Broker, Worker
from dramatiq.asyncio import get_event_loop_thread
from loguru import logger

from transport.redis_broker import CallboardBroker
from transport.rounds import Rounds


class LostThreads(Rounds):
    """Stops a worker process in which a thread that performs tasks has died: Dramatiq starts no other in its place, and
    a process without any would go on fetching messages. What it holds is handed back, and the supervisor starts another
    process. One whose event loop has ended, with all its `async` tasks, is killed."""

    pause_s = 1.0

    def __init__(self) -> None:
        super().__init__()
        self._worker: Worker | None = None
        self._owns_process = False

    def after_process_boot(self, broker: Broker) -> None:
        """Called where the process runs nothing but the worker."""
        self._owns_process = True

    def after_worker_boot(self, broker: CallboardBroker, worker: Worker) -> None:  # type: ignore[override]
        """Begins to look."""
        self._worker = worker
        super().after_worker_boot(broker, worker)

    def run_once(self, broker: CallboardBroker) -> None:
        """Looks once."""
        # While the worker stops, `GracefulShutdown` has taken them all off this list.
        threads = self._worker.workers if self._worker else []
        lost = sum(not thread.is_alive() for thread in threads)
        loop = get_event_loop_thread()
        if threads and loop and not loop.is_alive() and self._owns_process:
            # The message whose task has ended it is still in hand. As a worker's death this is counted, and a message
            # that causes it again and again is condemned.
            logger.critical("The event loop of async tasks has ended: this worker process dies with what it holds")
            os.kill(os.getpid(), signal.SIGKILL)
        if lost and self._owns_process:
            logger.critical("{} of the threads that perform tasks died: this worker process stops", lost)
            self._stop.set()
            os.kill(os.getpid(), signal.SIGTERM)
