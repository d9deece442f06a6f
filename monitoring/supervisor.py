"""The port of `python -m worker`: a supervisor answers for its worker processes, which it asks."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from errors import CallboardError
from monitoring.health import Report, joint
from monitoring.local import LocalPlace
from monitoring.metrics import not_installed, wants_metrics
from monitoring.server import Page, report_page, serve_port
from monitoring.worker_metrics import SharedFolder
from settings import Settings


@contextmanager
def supervisor_port(
    settings: Settings, pids: Callable[[], set[int]], is_starting: Callable[[], bool]
) -> Iterator[Mapping[str, str]]:
    """A context in which the port that `monitoring.worker_port` names, if any, is answered.

    Parameters:
        pids: the ids of the supervisor's processes.
        is_starting: whether none of them has come to work yet.

    Yields:
        What is to be added to the environment of these processes, for their metrics.

    Raises:
        CallboardError: when the port is not to be had.
    """
    if not (port := settings.monitoring.worker_port):
        yield {}
        return
    place = LocalPlace(settings)

    def page(path: str) -> Page:
        if path == "/healthz" and is_starting():
            # A process that has just been started does not answer yet, and a restart would only delay it.
            return report_page(Report("worker", os.getpid(), []))
        try:
            found = [report for report in place.ask("worker", path) if report.pid in pids()]
        except CallboardError as error:
            return report_page(Report("worker", os.getpid(), [str(error)]))
        return report_page(joint("worker", found))

    pages = {"/readyz": lambda: page("/readyz"), "/healthz": lambda: page("/healthz"), "/metrics": not_installed}
    with ExitStack() as stack:
        environment: Mapping[str, str] = {}
        if wants_metrics(port):
            folder = SharedFolder()
            stack.callback(folder.close)
            environment, pages["/metrics"] = folder.environment, folder.page
        server = serve_port(settings.monitoring.host, port, "monitoring.worker_port", pages)
        stack.callback(server.close)
        yield environment
