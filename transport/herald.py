"""Sends the events of tasks while they run."""

from dramatiq import Worker

from transport.redis_broker import CallboardBroker
from transport.rounds import Rounds


class Herald(Rounds):
    """Sends the events of running tasks, every tenth of a second.

    So the events of a task that ends sooner are sent in the step that ends it, without a round trip or a thread of
    their own; and a task that reports its progress in a tight loop makes ten events a second. While no task runs this
    sleeps, but looks now and then: what one thread has left to another to send, and Redis did not take, nobody else
    sends.
    """

    pause_s = 0.1
    longest_sleep_s = 1.0

    def run_once(self, broker: CallboardBroker) -> None:
        """Sends what there is to send."""
        broker.announce()

    def rest(self, broker: CallboardBroker) -> None:
        """Waits until a task runs, for a while."""
        broker.stage.wait_for_task(self.longest_sleep_s)

    def after_worker_shutdown(self, broker: CallboardBroker, worker: Worker) -> None:  # type: ignore[override]
        """Stops the thread: the last task is done."""
        super().after_worker_shutdown(broker, worker)
        broker.stage.end_waiting()
