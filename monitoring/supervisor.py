"""The port of `python -m worker`: a supervisor answers for its worker processes, which it asks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from monitoring.health import Report, joint
from monitoring.local import LocalPlace
from monitoring.server import report_page, serve_port
from settings import Settings


@contextmanager
def supervisor_port(settings: Settings, pids: Callable[[], set[int]]) -> Iterator[None]:
    """A context in which the port is answered on, if `monitoring.worker_port` names one.

    Parameters:
        pids: the ids of the supervisor's processes.

    Raises:
        CallboardError: when the port is not to be had.
    """
    if not (port := settings.monitoring.worker_port):
        yield
        return
    place = LocalPlace(settings)

    def ask(path: str) -> list[Report]:
        return [report for report in place.ask("worker", path) if report.pid in pids()]

    pages = {
        "/readyz": lambda: report_page(joint("worker", ask("/readyz"))),
        "/healthz": lambda: report_page(joint("worker", ask("/healthz"))),
    }
    server = serve_port(settings.monitoring.host, port, "monitoring.worker_port", pages)
    try:
        yield
    finally:
        server.close()
