"""Back-pressure: above how many messages on a queue no more requests are taken in for it."""

import time

from loguru import logger

from transport.redis_broker import CallboardBroker

#: How often Redis is asked whether there is room again.
ASK_S = 0.05

#: How often the log says it of a queue that stays full.
TELL_S = 60.0


class QueueBound:
    """Knows from the last burst how long each queue is, and asks Redis only about one that was full then."""

    def __init__(self, broker: CallboardBroker, limit: int) -> None:
        self.limit = limit
        self._broker = broker
        self._lengths: dict[str, int] = {}
        self._asked_s: dict[str, float] = {}
        self._told_s: dict[str, float] = {}

    def note(self, lengths: dict[str, int]) -> None:
        """Learns how long the queues are, from what `CallboardBroker.take_in` returns."""
        self._lengths |= lengths

    def is_full(self, queue_name: str) -> bool:
        """Whether the queue has reached the limit.

        Raises:
            redis.RedisError: when Redis cannot say.
        """
        if not self._was_full(queue_name):
            return False
        if time.monotonic() - self._asked_s.get(queue_name, -ASK_S) >= ASK_S:
            self._lengths[queue_name] = self._broker.length(queue_name)
            self._asked_s[queue_name] = time.monotonic()
            self._tell(queue_name)
        return self._was_full(queue_name)

    def is_any_full(self) -> bool:
        """The same of any queue that this process has put something on."""
        return any(self.is_full(queue_name) for queue_name in list(self._lengths))

    def _tell(self, queue_name: str) -> None:
        now_s = time.monotonic()
        if self._was_full(queue_name) and now_s - self._told_s.get(queue_name, -TELL_S) >= TELL_S:
            what = "its requests on the channel are 'overloaded', and those on the stream wait there"
            logger.warning("Queue {!r} is at its bound of {} messages: {}", queue_name, self.limit, what)
            self._told_s[queue_name] = now_s

    def _was_full(self, queue_name: str) -> bool:
        return self._lengths.get(queue_name, 0) >= self.limit
