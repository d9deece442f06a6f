"""How a worker's messages come in: fetched from a Dramatiq queue, and waited for in Redis when there are none."""

import threading
from collections import deque
from collections.abc import Iterable
from typing import Any

import redis
from dramatiq import Message
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.brokers.redis import RedisBroker
from dramatiq.common import current_millis
from dramatiq.errors import ConnectionClosed, DecodeError
from loguru import logger

from transport.completion import Completion
from transport.look import BlockingLook
from transport.messages import Delivery


class BlockingConsumer(Consumer):
    """Hands out the messages of one queue, at most `prefetch` of them unacknowledged, and waits up to `timeout_ms`.

    The stock consumer sleeps longer and longer while its queue is empty, up to a second; this one has Redis wake it.
    `ack` and `nack` are called by the worker threads, everything else by the consumer's own thread.
    """

    def __init__(
        self, broker: RedisBroker, completion: Completion, queue_name: str, prefetch: int, timeout_ms: int
    ) -> None:
        self._broker = broker
        self._completion = completion
        self._queue_name = queue_name
        self._prefetch = prefetch
        self._timeout_s = timeout_ms / 1000
        self._fetched: deque[bytes] = deque()
        self._unacknowledged: dict[str, float] = {}
        self._room = threading.Event()
        self._look = BlockingLook(broker.client, f"{broker.namespace}:{queue_name}")

    def __next__(self) -> MessageProxy | None:
        try:
            if not self._fetched and not self._fetch() and self._wait():
                self._fetch()
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise ConnectionClosed(error) from None
        return self._hand_out()

    def ack(self, message: MessageProxy) -> None:
        """Takes a message that is done off its queue and sends its answer, in one step."""
        self._complete(message, dead=False)

    def nack(self, message: MessageProxy) -> None:
        """The same for one that failed for good: it becomes a dead letter."""
        self._complete(message, dead=True)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Puts messages that no task has begun back on their queue."""
        if ids := [message.options["redis_message_id"] for message in messages]:
            self._broker.do_requeue(self._queue_name, *ids)

    def close(self) -> None:
        """Ends the waiting; what is fetched and not begun has been requeued by then."""
        self._look.close()

    def _fetch(self) -> bool:
        self._room.clear()
        if (room := self._prefetch - len(self._unacknowledged)) > 0:
            self._fetched.extend(self._broker.do_fetch(self._queue_name, room))
        return bool(self._fetched)

    def _hand_out(self) -> Delivery | None:
        while self._fetched:
            try:
                message: Message[Any] = Message.decode(self._fetched.popleft())
            except DecodeError as error:
                logger.error("An entry of queue {!r} is no Dramatiq message: {}", self._queue_name, error)
                continue
            # The time when it is due: Dramatiq's consumer thread keeps a delayed message until then.
            self._unacknowledged[message.options["redis_message_id"]] = message.options.get("eta", float("inf"))
            return Delivery(message)
        return None

    def _wait(self) -> bool:
        due_ms = min(self._unacknowledged.values(), default=float("inf"))
        wait_s = max(0.0, min(self._timeout_s, (due_ms - current_millis()) / 1000))
        if len(self._unacknowledged) >= self._prefetch:
            return self._room.wait(wait_s)
        return self._look.wait(wait_s)

    def _complete(self, message: MessageProxy, *, dead: bool) -> None:
        redis_message_id: str = message.options["redis_message_id"]
        answer = message.answer if isinstance(message, Delivery) else None
        try:
            self._completion.complete(self._queue_name, redis_message_id, answer, dead=dead)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise ConnectionClosed(error) from None
        self._unacknowledged.pop(redis_message_id, None)
        self._room.set()
