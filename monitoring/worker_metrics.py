"""What the worker processes count, for Prometheus: each in files of its own, which the supervisor reads together.

Dramatiq has such a middleware. It remembers the id of each delayed message that another worker performs, for ever; it
makes a label of any name that stands in a message; its clock ticks in milliseconds and its first bucket ends at five;
and it answers on all addresses of the machine. Hence this one.
"""

import os
import shutil
import tempfile
from functools import cache
from typing import NamedTuple

from dramatiq.common import current_millis
from dramatiq.middleware import Middleware

from contract import ErrorCode
from monitoring.metrics import exposition, has_client
from monitoring.server import Page
from transport.messages import WAITS_OPTION, Delivery
from transport.redis_broker import CallboardBroker

if has_client:
    import prometheus_client as prometheus
    from prometheus_client.multiprocess import MultiProcessCollector
    from prometheus_client.values import MultiProcessValue

#: The variable that says which of its supervisor's processes this one is. The next one in its place goes on with its
#: files: a scrape takes a millisecond or more for those of each.
SLOT = "CALLBOARD_WORKER_SLOT"

#: The label of a task that this worker does not have; a message may name any.
UNKNOWN = "unknown"

#: Upper bounds, from what an idle system takes to what a long queue does.
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class SharedFolder:
    """The files of a supervisor's processes; they outlast these, since a count never goes back."""

    #: Read by prometheus-client when it is imported, so it has to be there when a process starts.
    VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

    def __init__(self) -> None:
        self._path = tempfile.mkdtemp(prefix="callboard-metrics-")
        self.environment = {self.VARIABLE: self._path}

    def page(self) -> Page:
        """What /metrics answers."""
        registry = prometheus.CollectorRegistry()
        MultiProcessCollector(registry, self._path)  # type: ignore[no-untyped-call]
        return exposition(registry)

    def close(self) -> None:
        """Removes the files."""
        shutil.rmtree(self._path, ignore_errors=True)


class _TaskMetrics(NamedTuple):
    waiting: "prometheus.Histogram"
    running: "prometheus.Histogram"
    retries: "prometheus.Counter"


class WorkerMetrics(Middleware):
    """Counts how tasks end, how long they waited and how long they ran."""

    def after_process_boot(self, broker: CallboardBroker) -> None:  # type: ignore[override]
        """Called in each worker process, whose files are made now."""
        prometheus.values.ValueClass = MultiProcessValue(lambda: os.environ[SLOT])  # type: ignore[no-untyped-call]
        registry = prometheus.CollectorRegistry()

        def histogram(name: str, meaning: str) -> prometheus.Histogram:
            return prometheus.Histogram(name, meaning, ["task"], buckets=BUCKETS_S, registry=registry)

        outcomes = prometheus.Counter(
            "callboard_outcomes", "Outcomes of tasks", ["task", "status", "error_code"], registry=registry
        )
        retries = prometheus.Counter(
            "callboard_retries", "Attempts that failed, with another one to follow", ["task"], registry=registry
        )
        waiting = histogram("callboard_task_waiting_seconds", "From when an attempt was due until it began")
        running = histogram("callboard_task_running_seconds", "How long the attempt ran that had an outcome")
        # Looked up once for each task: the look-up takes longer than the counting.
        self._outcomes = cache(outcomes.labels)
        # Those that alerts look at are there from the start: a rate sees no rise in what begins with its first value.
        for task in broker.get_declared_actors():
            self._outcomes(task, "completed", "")
            for code in (ErrorCode.FAILED, ErrorCode.TIMEOUT):
                self._outcomes(task, "error", code)
        self._metrics = {
            task: _TaskMetrics(waiting.labels(task), running.labels(task), retries.labels(task))
            for task in [*broker.get_declared_actors(), UNKNOWN]
        }

    def before_process_message(self, broker: CallboardBroker, message: Delivery) -> None:  # type: ignore[override]
        """An attempt begins."""
        since_ms = message.options.get(WAITS_OPTION, message.message_timestamp)
        waited_ms = max(0, current_millis() - since_ms)
        self._metrics[self._label(message)].waiting.observe(waited_ms / 1000)

    def after_ack(self, broker: CallboardBroker, message: Delivery) -> None:  # type: ignore[override]
        """Redis has the end of an attempt, or of the waiting of a delayed message."""
        self._count(message)

    def after_nack(self, broker: CallboardBroker, message: Delivery) -> None:  # type: ignore[override]
        """The same of one that has failed for good."""
        self._count(message)

    def _count(self, message: Delivery) -> None:
        task = self._label(message)
        if (outcome := message.outcome) is not None:
            self._outcomes(task, outcome.status, outcome.error_code or "").inc()
            if outcome.duration_ms is not None:
                self._metrics[task].running.observe(outcome.duration_ms / 1000)
        elif message.started_s is not None:
            self._metrics[task].retries.inc()

    def _label(self, message: Delivery) -> str:
        return message.actor_name if message.actor_name in self._metrics else UNKNOWN
