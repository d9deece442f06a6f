"""Sends the events of tasks while they run."""

from transport.redis_broker import CallboardBroker
from transport.rounds import Rounds


class Herald(Rounds):
    """Sends the events of running tasks, every tenth of a second.

    So the events of a task that ends sooner are sent in the step that ends it, without a round trip or a thread of
    their own; and a task that reports its progress in a tight loop makes ten events a second. While no task runs this
    looks less often: what one thread has left to another to send, and Redis did not take, nobody else sends. It is not
    woken by the first task, whose thread would have to wait until this one gives Python's lock back.
    """

    pause_s = 0.1
    idle_pause_s = 0.1

    def run_once(self, broker: CallboardBroker) -> None:
        """Sends what there is to send."""
        broker.announce()

    def rest(self, broker: CallboardBroker) -> None:
        """Waits for longer while no task runs."""
        if not broker.stage.running():
            self._stop.wait(self.idle_pause_s)
