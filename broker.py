"""Puts the one broker together from the settings, and makes it Dramatiq's before any actor is declared."""

import multiprocessing

import dramatiq
from dramatiq.middleware import AgeLimit, AsyncIO, CurrentMessage

from errors import CallboardError, SettingsError
from logs import WorkerLog
from monitoring.metrics import has_client
from monitoring.worker import WorkerHealth
from monitoring.worker_metrics import WorkerMetrics
from settings import Settings, load_settings
from transport.answers import Answers
from transport.call_offs import CallOffs
from transport.collector import SparseCollections
from transport.connection import connect
from transport.crew import Crew
from transport.encoder import FastJSONEncoder
from transport.herald import Herald
from transport.lost_threads import LostThreads
from transport.maintenance import Maintenance
from transport.outcomes import Outcomes
from transport.redis_broker import CallboardBroker
from transport.shutdown import GracefulRetries, GracefulShutdown
from transport.termination import OneTermination
from transport.time_limits import TimeLimits
from transport.wakeups import ThriftyWakeups

try:
    from transport.tracing import spans
except ModuleNotFoundError:  # without the extra "tracing"
    spans = list


def build_broker(settings: Settings, answers: Answers) -> CallboardBroker:
    """The broker with its middleware.

    Before a task the middleware is called from first to last, after it from last to first: so Outcomes is called when
    Retries has decided whether another attempt follows.
    """
    worker = settings.worker
    return CallboardBroker(
        connect(settings.redis.connection_url, settings.redis.key_prefix),
        key_prefix=settings.redis.key_prefix,
        events_channel=settings.redis.channels.events,
        max_crashes=worker.max_crashes,
        fair_backlog=settings.limits.fair_backlog,
        crew=Crew.of_this_process(),
        middleware=[
            WorkerHealth(settings),
            WorkerLog(settings),
            OneTermination(),
            Maintenance(),
            LostThreads(),
            Herald(),
            CallOffs(),
            ThriftyWakeups(),
            SparseCollections(),
            *spans(),
            Outcomes(answers, settings.limits.outcome_bytes),
            GracefulRetries(
                max_retries=worker.max_attempts - 1,
                min_backoff=worker.min_backoff_ms,
                max_backoff=worker.max_backoff_ms,
            ),
            AgeLimit(),
            TimeLimits(worker.time_limit_ms),
            CurrentMessage(),
            AsyncIO(),
            GracefulShutdown(worker.shutdown_timeout_ms),
            *([WorkerMetrics()] if settings.monitoring.worker_port and has_client else []),
        ],
    )


def start_failure(error: CallboardError) -> SystemExit:
    """What a process that cannot start exits with: one line with the error. Of any other exception `dramatiq actors`
    would show a traceback."""
    # Each of Dramatiq's worker processes exits like this: the first one speaks for all.
    speaks = multiprocessing.current_process().name in ("MainProcess", "Process-1")
    return SystemExit(f"callboard: {error}" if speaks else 1)


def _settings_or_exit() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        raise start_failure(error) from None


settings = _settings_or_exit()
answers = Answers.of(settings.redis)
broker = build_broker(settings, answers)
dramatiq.set_broker(broker)
dramatiq.set_encoder(FastJSONEncoder())
