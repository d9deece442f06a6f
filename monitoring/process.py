"""Has a process answer questions about itself for as long as it runs."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import redis

from monitoring.health import Health
from monitoring.local import LocalPlace
from monitoring.server import Page, report_page, serve_locally, serve_port
from settings import Settings
from transport.watchdog import Watchdog


@contextmanager
def monitored(
    role: str,
    settings: Settings,
    watchdog: Watchdog,
    client: "redis.Redis",
    *,
    loops: Iterable[str],
    metrics: Callable[[], Page],
) -> Iterator[None]:
    """A context in which it answers on its local socket, and on the port that `monitoring` gives to its role.

    Parameters:
        role: "ingress" or "scheduler", as in the names of the settings.
        loops: those that it needs, as they call themselves.
        metrics: the page of its metrics, which the port has besides those about its health.

    Raises:
        CallboardError: when the port is not to be had.
    """
    for loop in loops:
        watchdog.expect(loop)
    health = Health(role, watchdog, client.ping, settings)
    pages = {"/readyz": lambda: report_page(health.ready()), "/healthz": lambda: report_page(health.live())}
    key = f"{role}_port"
    servers = []
    if port := getattr(settings.monitoring, key):
        servers.append(serve_port(settings.monitoring.host, port, f"monitoring.{key}", pages | {"/metrics": metrics}))
    if (local := serve_locally(LocalPlace(settings), role, pages)) is not None:
        servers.append(local)
    try:
        yield
    finally:
        for server in servers:
            server.close()
