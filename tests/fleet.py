"""Workers on one queue, which live and die as a test wants."""

from typing import Any

import dramatiq
import redis
from dramatiq.broker import MessageProxy

from contract import ErrorCode
from tests.consumers import next_of
from tests.redis_under_test import key_prefix
from transport.connection import connect
from transport.crew import Crew, Duty
from transport.messages import Delivery
from transport.pulse import KEEP_LOOK_MS, LOOK_MS
from transport.redis_broker import CallboardBroker

#: How long a consumer waits for what is not to come.
TIMEOUT_MS = 50


class Verdicts(dramatiq.Middleware):
    """Notes why messages were ended."""

    def __init__(self) -> None:
        self.heard: list[tuple[ErrorCode, str] | None] = []

    def before_nack(self, broker: dramatiq.Broker, message: Delivery) -> None:  # type: ignore[override]
        self.heard.append(message.verdict)


class Fleet:
    """Workers on one queue, which live and die as a test wants."""

    def __init__(self, url: str, client: "redis.Redis") -> None:
        self.client = client
        self.verdicts = Verdicts()
        self._url = url
        self.brokers: list[CallboardBroker] = []
        self._crews: dict[str, Crew] = {}
        self.worker()

    def worker(self, crew: Crew | None = None) -> CallboardBroker:
        prefix = key_prefix(self._url)
        crew = crew or Crew()
        broker = CallboardBroker(
            connect(self._url), middleware=[self.verdicts], key_prefix=prefix, max_crashes=3, crew=crew
        )
        for queue_name in ("default", "other"):
            broker.declare_queue(queue_name)
        self.brokers.append(broker)
        self._crews[broker.broker_id] = crew
        return broker

    def send(self, count: int = 1, delay: int | None = None, queue_name: str = "default") -> list[str]:
        return [self.brokers[0].enqueue(message(queue_name), delay=delay).message_id for _ in range(count)]

    def kill(self, broker: CallboardBroker) -> None:
        """As if its process were gone, and `ALIVE_MS` with it."""
        self.client.delete(f"dramatiq:__alive__.{broker.broker_id}")

    def look_after(self, broker: CallboardBroker) -> None:
        """Has this worker look after the queues now, as it does every few seconds."""
        for _ in range(2):  # The first look, when Redis knows of none before, finds nobody.
            self.client.pexpire("dramatiq:__looked__", KEEP_LOOK_MS - LOOK_MS)
            self.offer_to_look(broker)

    def offer_to_look(self, broker: CallboardBroker) -> None:
        """Has this worker do what it does with each beat, when it has not looked lately."""
        self._crews[broker.broker_id].put_off(Duty.LOOK, 0)
        broker.maintain()

    def die_with_messages(self, count: int = 1) -> None:
        """A worker gets so many and dies; another one brings them back."""
        dying, next_one = self.worker(), self.worker()
        consume(dying, count=count)
        look(next_one)
        self.kill(dying)
        self.look_after(next_one)


def message(queue_name: str = "default") -> dramatiq.Message[Any]:
    return dramatiq.Message(queue_name=queue_name, actor_name="any", args=(), kwargs={}, options={})


def consume(broker: CallboardBroker, queue_name: str = "default", count: int = 1) -> list[Delivery]:
    """The next messages of a new consumer, so many of them."""
    consumer = broker.consume(queue_name, prefetch=2 * count, timeout=TIMEOUT_MS)
    deliveries = [next_of(consumer) for _ in range(count)]
    consumer.close()
    return deliveries


def look(broker: CallboardBroker, queue_name: str = "default") -> MessageProxy | None:
    """What a new consumer is handed out without waiting, where that should be nothing."""
    consumer = broker.consume(queue_name, timeout=TIMEOUT_MS)
    delivery = next(consumer)
    consumer.close()
    return delivery


def perform(broker: CallboardBroker, count: int = 1) -> list[Delivery]:
    """Has this worker perform the next messages."""
    deliveries = consume(broker, count=count)
    for delivery in deliveries:
        broker.consume("default").ack(delivery)
    return deliveries
