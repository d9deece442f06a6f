"""`python -m ingress`: requests in from the tasks channel, until SIGTERM or SIGINT."""

import redis
from loguru import logger

import actors  # noqa: F401 - declares the tasks
from broker import answers, broker, settings
from ingress.gate import Gate
from ingress.intake import Intake
from ingress.output_buffer import widen_output_buffer
from ingress.subscriber import Subscriber
from logs import configure_logging
from task import catalogue
from transport.collector import spare_collections
from transport.connection import StopRequest


def main() -> None:
    """Returns after a clean stop."""
    configure_logging("ingress", settings.log_level)
    stop = StopRequest()
    stop.listen()
    channel = settings.redis.channels.tasks_queue
    logger.info("Tasks known: {}", ", ".join(sorted(catalogue)) or "none")
    logger.info("Listening for requests on channel {!r} of {}", channel, settings.redis.location)
    gate = Gate(catalogue, settings.limits)
    intake = Intake(gate, broker, answers, broker.client, stop)
    try:
        stop.until_redis_answers(broker.client.ping)
        widen_output_buffer(broker.client, settings.limits.pubsub_buffer_bytes)
        spare_collections()
        Subscriber(broker.client, channel, intake, stop).run()
    except redis.RedisError as error:
        raise SystemExit(f"callboard: stopped without Redis: {error}") from None
    logger.info("Stopped")


if __name__ == "__main__":
    main()
