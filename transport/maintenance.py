"""The thread of a worker process that shows that it is alive and looks after the queues."""

import threading

import redis
from dramatiq import Broker, Worker
from dramatiq.middleware import Middleware
from loguru import logger

from transport.pulse import BEAT_S
from transport.redis_broker import CallboardBroker

#: What the health of a worker calls it.
LOOP = "maintenance"


class Maintenance(Middleware):
    """Runs beside the consumers, which may wait for room or for Redis longer than a worker may be silent."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def after_worker_boot(self, broker: CallboardBroker, worker: Worker) -> None:  # type: ignore[override]
        """Starts the thread."""
        self._stop.clear()
        threading.Thread(target=self._run, args=[broker], name="maintenance", daemon=True).start()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Ends it: the last task is done."""
        self._stop.set()

    def _run(self, broker: CallboardBroker) -> None:
        while not self._stop.wait(BEAT_S):
            try:
                broker.maintain()
                broker.watchdog.turned(LOOP)
            except redis.RedisError as error:
                broker.watchdog.failed(LOOP, error)
                # The consumers log the loss of the connection; here nothing is lost.
                logger.debug("No maintenance: {}", error)
            except Exception:  # noqa: BLE001 - without this thread the others would take the worker for dead
                logger.exception("Maintenance failed, it is tried again")
