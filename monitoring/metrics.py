"""What an ingress and a scheduler count, and what an ingress sees in Redis, for Prometheus.

A label has only values that the configuration or the tasks declare: what comes from outside makes no new ones.
docs/operations.md says what each metric means.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from http import HTTPStatus

import redis
from loguru import logger

from contract import ErrorCode
from monitoring.server import Page
from transport.arrivals import Admitted, Arrival, Later, Origin, Refused
from transport.overview import Overview

try:
    import prometheus_client as prometheus
    from prometheus_client.core import GaugeMetricFamily
except ImportError:  # an extra
    has_client = False
else:
    has_client = True

NOT_INSTALLED = "no metrics: the package prometheus-client is not installed; install Callboard with its extra 'metrics'"


def wants_metrics(port: int) -> bool:
    """Whether there are metrics on this port; says in the log if there are not and could be."""
    if port and not has_client:
        logger.warning("Port {} has {}", port, NOT_INSTALLED)
    return has_client and port > 0


def not_installed() -> Page:
    """What /metrics answers without the package."""
    return Page(HTTPStatus.NOT_IMPLEMENTED, "text/plain", f"{NOT_INSTALLED}\n".encode())


def exposition(registry: "prometheus.CollectorRegistry") -> Page:
    """The metrics of a registry, in Prometheus's text format."""
    return Page(HTTPStatus.OK, prometheus.CONTENT_TYPE_LATEST, prometheus.generate_latest(registry))


class RequestMetrics:
    """Counts what passes an intake, a burst at a time; `page` shows that."""

    def __init__(self) -> None:
        self._registry = prometheus.CollectorRegistry()

        def counter(name: str, meaning: str, label: str) -> "prometheus.Counter":
            return prometheus.Counter(f"callboard_requests_{name}", meaning, [label], registry=self._registry)

        self._received = counter("received", "Requests that were read, by way in", "source")
        self._admitted = counter("admitted", "Requests enqueued, or repeats of one that was, by task", "task")
        self._refused = counter("refused", "Requests answered with an error instead, by its code", "error_code")
        # Each is there from the start: a rate sees no rise in what begins with its first value.
        for code in ErrorCode:
            self._refused.labels(code)

    def count(self, burst: Sequence[Arrival], origin: Origin) -> None:
        """Adds a burst that Redis has taken in."""
        # What is laid aside comes again, on a stream.
        self._received.labels(_source(origin)).inc(sum(not isinstance(each, Later) for each in burst))
        _add(self._admitted, (each.envelope.message.actor_name for each in burst if isinstance(each, Admitted)))
        _add(self._refused, (each.error_code for each in burst if isinstance(each, Refused)))

    def page(self) -> Page:
        """What /metrics answers."""
        return exposition(self._registry)


class IngressMetrics(RequestMetrics):
    """The same of an ingress, which alone hears of cancellations, and what `redis_state` collects."""

    def __init__(self, redis_state: "RedisState") -> None:
        super().__init__()
        self._registry.register(redis_state)
        self._cancelled = prometheus.Counter(
            "callboard_requests_cancelled", "Tasks ended since their user did not want them", registry=self._registry
        )

    def count_cancelled(self) -> None:
        """Adds a task that was cancelled, be it waiting, delayed or running."""
        self._cancelled.inc()


class RedisState:
    """A collector that looks into Redis each time that it is asked."""

    def __init__(self, overview: Overview, stream: str, leads: Callable[[], bool]) -> None:
        self._overview = overview
        self._stream = stream
        self._leads = leads

    def collect(self) -> Iterator["GaugeMetricFamily"]:
        """Called by Prometheus's client."""
        yield _gauge("ingress_leads", "Whether this ingress is the one that takes in the channel", self._leads())
        try:
            seen = [self._queues(), self._stream_entries(), self._workers()]
        except redis.RedisError:
            seen = []
        yield _gauge("redis_up", "Whether Redis answered this question", bool(seen))
        yield from seen

    def _queues(self) -> "GaugeMetricFamily":
        meaning = "Messages of a queue: waiting, in_hand of a worker, delayed, dead"
        family = GaugeMetricFamily("callboard_queue_messages", meaning, labels=["queue", "state"])
        for name, *counts in self._overview.queues():
            for state, number in zip(("waiting", "in_hand", "delayed", "dead"), counts, strict=True):
                family.add_metric([name, state], number)
        return family

    def _stream_entries(self) -> "GaugeMetricFamily":
        meaning = "Entries of the stream: lag, which nobody has read, and pending, which are read and not taken in"
        family = GaugeMetricFamily("callboard_stream_entries", meaning, labels=["state"])
        for state, number in self._overview.stream(self._stream)._asdict().items():
            family.add_metric([state], number)
        return family

    def _workers(self) -> "GaugeMetricFamily":
        alive = sum(worker.alive and worker.role == "worker" for worker in self._overview.workers())
        return _gauge("workers", "Worker processes that are alive, on all machines", alive)


def _gauge(name: str, meaning: str, value: float) -> "GaugeMetricFamily":
    return GaugeMetricFamily(f"callboard_{name}", meaning, value)


def _add(counter: "prometheus.Counter", labels: Iterable[str]) -> None:
    for label, number in Counter(labels).items():
        counter.labels(label).inc(number)


def _source(origin: Origin) -> str:
    if origin.stream:
        return "stream"
    return "channel" if origin.position_key else "schedule"
