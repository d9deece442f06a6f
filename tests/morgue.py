"""A place where messages die, with the letters that are left of them."""

from typing import Any

import dramatiq
import redis

from contract import TaskRequest
from tests.consumers import next_of
from tests.redis_under_test import key_prefix
from tests.waiting import wait_until
from transport.answers import Answers
from transport.connection import connect
from transport.dead_letters import DeadLetter, DeadLetters
from transport.messages import Delivery, message_for
from transport.outcomes import Outcomes
from transport.redis_broker import CallboardBroker


class Morgue:
    """A broker, the messages that it gives up, and the letters that are left of them."""

    def __init__(self, url: str, client: "redis.Redis") -> None:
        prefix = key_prefix(url)
        answers = Answers("results", outcome_ttl_s=60, request_id_ttl_s=60, key_prefix=prefix)
        self.client = client
        self.broker = CallboardBroker(
            connect(url), middleware=[Outcomes(answers, 1_000_000)], key_prefix=prefix, max_crashes=2
        )
        self.broker.declare_queue("default")
        self.letters = DeadLetters(self.broker.client, self.broker.namespace, ["default"], answers)

    def fail(self, error: str = "it broke", retries: int = 0, eta: int | None = None, **fields: Any) -> Delivery:
        """A request whose task fails, and for good: it was tried so often before. With `eta` it was delayed, too."""
        request = TaskRequest.model_validate({"task_type": "any", "user_id": "u"} | fields)
        options = {"retries": retries} if eta is None else {"retries": retries, "eta": eta}
        self.broker.enqueue(message_for(request, "default", request.parameters).copy(options=options))
        return self.fail_next(error)

    def fail_next(self, error: str = "it broke") -> Delivery:
        """The same with what waits on the queue."""
        consumer = self.broker.consume("default", timeout=50)
        delivery = next_of(consumer)
        delivery.fail()
        self.broker.emit_after("process_message", delivery, exception=RuntimeError(error))
        consumer.nack(delivery)
        consumer.close()
        return delivery

    def begin(self) -> Delivery:
        """A message in the hands of a worker."""
        self.broker.enqueue(dramatiq.Message("default", "any", (), {}, {}))
        consumer = self.broker.consume("default", timeout=50)
        delivery = next_of(consumer)
        consumer.close()
        return delivery

    def put(self, data: bytes) -> None:
        """An entry that anybody may have put on the queue; a worker finds it."""
        self.client.hset("dramatiq:default.msgs", "odd", data)
        self.client.rpush("dramatiq:default", "odd")
        self.bury(self.broker)

    def bury(self, broker: CallboardBroker) -> None:
        """Has the worker of a broker find what is on the queue, which becomes a letter at once."""
        consumer = broker.consume("default", timeout=50)
        wait_until(lambda: next(consumer) is None and self.letters.count(), "it is a dead letter")
        consumer.close()

    def only(self) -> DeadLetter:
        (letter,) = self.letters.newest(10)
        return letter

    def close(self) -> None:
        """Removes what is left on the queue: a letter goes by itself."""
        self.broker.close()
        self.broker.client.close()
        self.client.delete("dramatiq:default", "dramatiq:default.msgs")
