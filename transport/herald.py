"""Tells of tasks while they run."""

from transport.redis_broker import CallboardBroker
from transport.rounds import Rounds


class Herald(Rounds):
    """Sends what running tasks have to tell, every tenth of a second.

    So a task that ends sooner is told of in the step that ends it, with no round trip and no other thread woken for it;
    and one that reports its progress in a tight loop makes ten events a second of it.
    """

    pause_s = 0.1

    def make(self, broker: CallboardBroker) -> None:
        """Does so once; nothing when no task has news."""
        broker.announce()
