"""`python -m ingress`: requests in from the tasks channel and the tasks stream, until SIGTERM or SIGINT."""

from concurrent.futures import ThreadPoolExecutor

import redis
from loguru import logger

import actors  # noqa: F401 - declares the tasks
from broker import answers, broker, settings
from ingress.control import Control
from ingress.gate import Gate
from ingress.intake import Intake
from ingress.queue_bound import QueueBound
from ingress.replica import Replica
from ingress.stream import StreamReader
from logs import configure_logging
from task import catalogue
from transport.cancellation import Cancellation
from transport.collector import spare_collections
from transport.connection import StopRequest


def main() -> None:
    """Returns after a clean stop."""
    configure_logging("ingress", settings)
    stop = StopRequest()
    stop.listen()
    channel = settings.redis.channels.tasks_queue
    logger.info("Tasks known: {}", ", ".join(sorted(catalogue)) or "none")
    logger.info("Listening for requests on channel {!r} of {}", channel, settings.redis.location)
    bound = QueueBound(broker, settings.limits.queue_length)
    intake = Intake(Gate(catalogue, settings.limits), broker, answers, stop, bound)
    stream = settings.redis.key_prefix + settings.redis.channels.tasks_stream
    reader = StreamReader(broker.client, stream, intake, stop, bound)
    replica = Replica(broker.client, channel, intake, stop, settings.limits, key_prefix=settings.redis.key_prefix)
    max_attempts = max((task.options.max_attempts for task in catalogue.values()), default=1)
    control = Control(broker.client, settings.redis.channels.control, Cancellation(broker, answers, max_attempts))
    try:
        stop.until_redis_answers(broker.client.ping)
        spare_collections()
        control.start()
        _run(reader, replica, stop)
        control.stop()
    except redis.RedisError as error:
        logger.critical("Stopped without Redis: {}", error)
        raise SystemExit(1) from None
    logger.info("Stopped")


def _run(reader: StreamReader, replica: Replica, stop: StopRequest) -> None:
    """Both at once. When one ends, be it by an error, the other is asked to stop."""
    with ThreadPoolExecutor(1, "stream") as pool:
        reading = pool.submit(reader.run)
        reading.add_done_callback(lambda _: stop.request())
        try:
            replica.run()
        finally:
            stop.request()
        reading.result()


if __name__ == "__main__":
    main()
