"""`python -m ingress`: requests in from the tasks channel and the tasks stream, until SIGTERM or SIGINT."""

import quiet_interrupt  # noqa: F401 - first: the others take their time

# isort: split
from concurrent.futures import ThreadPoolExecutor

import redis
from loguru import logger

import actors  # noqa: F401 - declares the tasks
from broker import answers, broker, settings
from errors import CallboardError
from ingress.allocator import keep_freed_memory
from ingress.control import Control
from ingress.eviction import warn_of_eviction
from ingress.gate import Gate
from ingress.intake import Intake
from ingress.later_stream import LaterStreamReader
from ingress.lease import Lease
from ingress.queue_bound import QueueBound
from ingress.replica import LISTENING, Replica
from ingress.stream import StreamReader
from ingress.tasks_stream import TasksStreamReader
from logs import configure_logging
from monitoring.metrics import IngressMetrics, RedisState, not_installed, wants_metrics
from monitoring.process import monitored
from no_arguments import take_no_arguments
from task import catalogue
from transport.cancellation import Cancellation
from transport.collector import collect_less_often
from transport.connection import StopRequest
from transport.overview import Overview
from transport.presence import lease_key

#: What requests are heard on and read from, and the stream on which they are laid aside. That has one name whatever the
#: channel is called: what waits there when the channel gets another name is taken in all the same.
CHANNEL = settings.redis.channels.tasks_queue
STREAM = settings.redis.key_prefix + settings.redis.channels.tasks_stream
LATER = f"{settings.redis.key_prefix}callboard:later:tasks"


def main() -> None:
    """Returns after a clean stop."""
    configure_logging("ingress", settings)
    stop = StopRequest(broker.watchdog)
    stop.listen()
    logger.info("Tasks known: {}", ", ".join(sorted(catalogue)) or "none")
    logger.info("Listening for requests on channel {!r} of {}", CHANNEL, settings.redis.location)
    lease = Lease(broker.client, lease_key(settings.redis.key_prefix, CHANNEL))
    metrics = _metrics(lease) if wants_metrics(settings.monitoring.ingress_port) else None
    bound = QueueBound(broker, settings.limits.queue_length)
    count = metrics.count if metrics else None
    intake = Intake(Gate(catalogue, settings.limits), broker, answers, stop, bound, LATER, count)
    readers = [
        TasksStreamReader(broker.client, STREAM, intake, stop, bound, broker.watchdog),
        LaterStreamReader(broker.client, LATER, intake, stop, bound, broker.watchdog),
    ]
    control = _control(metrics)
    loops = [LISTENING, *(reader.loop for reader in readers)]
    page = metrics.page if metrics else not_installed
    try:
        with monitored("ingress", settings, broker.watchdog, broker.client, loops=loops, metrics=page):
            if not stop.wait_for_redis(broker.client):
                return
            warn_of_eviction(broker.client)
            collect_less_often()
            keep_freed_memory()
            control.start()
            _run(readers, _replica(lease, intake, stop), stop)
            control.stop()
    except redis.RedisError as error:
        logger.critical("Stopped without Redis: {}", error)
        raise SystemExit(1) from None
    except CallboardError as error:
        raise SystemExit(f"callboard: {error}") from None
    logger.info("Stopped")


def _metrics(lease: Lease) -> IngressMetrics:
    overview = Overview(broker.client, settings.redis.key_prefix)
    stream = settings.redis.channels.tasks_stream
    return IngressMetrics(RedisState(overview, stream, leads=lambda: lease.is_held))


def _replica(lease: Lease, intake: Intake, stop: StopRequest) -> Replica:
    return Replica(
        broker.client,
        CHANNEL,
        lease,
        intake,
        stop,
        settings.limits,
        watchdog=broker.watchdog,
        key_prefix=settings.redis.key_prefix,
    )


def _control(metrics: IngressMetrics | None) -> Control:
    max_attempts = max((task.options.max_attempts for task in catalogue.values()), default=1)
    count = metrics.count_cancelled if metrics else None
    cancellation = Cancellation(broker, answers, max_attempts, count)
    return Control(broker.client, settings.redis.channels.control, cancellation)


def _run(readers: list[StreamReader], replica: Replica, stop: StopRequest) -> None:
    """Runs all at once. When one ends, even by an error, the others are asked to stop."""
    with ThreadPoolExecutor(len(readers), "stream") as pool:
        readings = [pool.submit(reader.run) for reader in readers]
        for reading in readings:
            reading.add_done_callback(lambda _: stop.request())
        try:
            replica.run()
        finally:
            stop.request()
        for reading in readings:
            reading.result()


if __name__ == "__main__":
    take_no_arguments("python -m ingress", __doc__)
    main()
