"""Health of a worker process, asked by `callboard health worker` and by its supervisor."""

from dramatiq import Worker
from dramatiq.common import q_name
from dramatiq.middleware import Middleware

from monitoring.health import Health
from monitoring.local import LocalPlace
from monitoring.server import Server, report_page, serve_locally
from settings import Settings
from transport.consumer import loop_of
from transport.maintenance import LOOP
from transport.redis_broker import CallboardBroker


class WorkerHealth(Middleware):
    """Has each worker process answer on its socket from before it consumes until it stops."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._server: Server | None = None

    def after_process_boot(self, broker: CallboardBroker) -> None:  # type: ignore[override]
        """Called in the new process."""
        broker.watchdog.expect(LOOP)
        health = Health("worker", broker.watchdog, broker.client.ping, self._settings)
        pages = {"/readyz": lambda: report_page(health.ready()), "/healthz": lambda: report_page(health.live())}
        self._server = serve_locally(LocalPlace(self._settings), "worker", pages)

    def before_worker_boot(self, broker: CallboardBroker, worker: Worker) -> None:  # type: ignore[override]
        """It is known by now which queues it serves."""
        served = worker.consumer_whitelist
        for queue_name in broker.get_declared_queues() | broker.get_declared_delay_queues():
            if not served or q_name(queue_name) in served:
                broker.watchdog.expect(loop_of(queue_name))

    def before_worker_shutdown(self, broker: CallboardBroker, worker: Worker) -> None:  # type: ignore[override]
        """It consumes no longer."""
        if self._server:
            self._server.close()
