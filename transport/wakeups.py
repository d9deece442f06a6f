"""The middleware that makes a worker wake as few threads as the work needs."""

from dramatiq import Worker
from dramatiq.middleware import Middleware

from transport.redis_broker import CallboardBroker


class ThriftyWakeups(Middleware):
    """Gives a worker the queue of its broker, see `WorkQueue`, before its threads start."""

    def before_worker_boot(self, broker: CallboardBroker, worker: Worker) -> None:  # type: ignore[override]
        """Called once in each worker process."""
        worker.work_queue = broker.work_queue
