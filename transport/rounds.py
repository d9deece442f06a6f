"""Work that a worker process does again and again, in a thread of its own."""

import threading
from abc import ABC, abstractmethod

import redis
from dramatiq import Broker, Worker
from dramatiq.middleware import Middleware
from loguru import logger

from transport.redis_broker import CallboardBroker


class Rounds(Middleware, ABC):
    """Calls `run_once` when the worker starts and every `pause_s` seconds while it runs; less often if `rest` waits."""

    pause_s: float

    def __init__(self) -> None:
        self._stop = threading.Event()

    @abstractmethod
    def run_once(self, broker: CallboardBroker) -> None:
        """What is to be done."""

    def rest(self, broker: CallboardBroker) -> None:
        """Waits, besides the pause, while there is less to do."""

    def after_worker_boot(self, broker: CallboardBroker, worker: Worker) -> None:  # type: ignore[override]
        """Starts the thread."""
        self._stop.clear()
        threading.Thread(target=self._run, args=[broker], name=type(self).__name__, daemon=True).start()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Stops the thread: the last task is done."""
        self._stop.set()

    def _run(self, broker: CallboardBroker) -> None:
        while not self._stop.is_set():
            try:
                self.run_once(broker)
                self.rest(broker)
            except redis.RedisError as error:
                # The consumers log the loss of the connection; here nothing is lost.
                logger.debug("{} was not at work: {}", type(self).__name__, error)
            except Exception:  # noqa: BLE001 - without this thread the others would take the worker for dead
                logger.exception("{} failed, it is tried again", type(self).__name__)
            self._stop.wait(self.pause_s)
