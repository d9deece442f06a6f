"""Dramatiq's Redis broker with Callboard's ways in and out: batches in, atomic answers out, blocking consumers."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import uuid4

import redis
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.common import current_millis, dq_name
from dramatiq.middleware import Middleware

from transport.completion import Completion
from transport.consumer import BlockingConsumer, InHand
from transport.feed import Feed
from transport.line import Line
from transport.recovery import Recovery
from transport.scripts import script
from transport.signals import SelectiveSignals


class Envelope(NamedTuple):
    """A message that is ready to be enqueued."""

    message: Message[Any]
    delay_ms: int | None


def seal(message: Message[Any], delay_ms: int | None = None) -> Envelope:
    """Gives a message, which has to be nobody else's, an id for this enqueueing (a retried one keeps its message id)
    and, with a delay, the time when it is due; as `RedisBroker.enqueue` does it."""
    message.options["redis_message_id"] = str(uuid4())
    if delay_ms is None:
        return Envelope(message, None)
    message.options["eta"] = current_millis() + delay_ms
    return Envelope(message.copy(queue_name=dq_name(message.queue_name)), delay_ms)


class CallboardBroker(SelectiveSignals, RedisBroker):
    """A `RedisBroker` whose queues any stock Dramatiq program may fill and drain too: their layout is the same."""

    def __init__(self, client: "redis.Redis", middleware: list[Middleware]) -> None:
        super().__init__(client=client, middleware=middleware)
        self._enqueue_line = Line(client)
        self._enqueue_script = script(client, "enqueue")
        self._completion = Completion(client, self.namespace, self.broker_id)
        self._in_hand: defaultdict[str, InHand] = defaultdict(dict)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> BlockingConsumer:
        """A consumer of the queue; `timeout` in ms."""
        return BlockingConsumer(
            queue_name,
            Feed(self.client, self.namespace, queue_name, self.broker_id),
            self._completion,
            Recovery(self.client, self.namespace, queue_name, self.heartbeat_timeout, self.dead_message_ttl),
            in_hand=self._in_hand[queue_name],
            prefetch=prefetch,
            timeout_ms=timeout,
        )

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Enqueues one message, to be run after `delay` ms; what `actor.send()` and Dramatiq's Retries call."""
        envelope = seal(message.copy(), delay)
        self.enqueue_batch([envelope])
        return envelope.message

    def enqueue_batch(self, batch: Sequence[Envelope]) -> None:
        """Enqueues messages in one round trip, all of them or none.

        May be repeated with the same envelopes when its answer was lost: what is still waiting is left alone.
        """
        arguments: list[str | bytes] = []
        for message, delay_ms in batch:
            self.emit_before("enqueue", message, delay_ms)
            arguments += (message.queue_name, message.options["redis_message_id"], message.encode())
        self._enqueue_line.call(self._enqueue_script, self.namespace, *arguments)
        for message, delay_ms in batch:
            self.emit_after("enqueue", message, delay_ms)
