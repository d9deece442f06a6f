"""Tells of tasks while they run."""

from dramatiq import Worker

from transport.redis_broker import CallboardBroker
from transport.rounds import Rounds


class Herald(Rounds):
    """Sends what running tasks have to tell, every tenth of a second.

    So a task that ends sooner is told of in the step that ends it, with no round trip and no other thread woken for it;
    and one that reports its progress in a tight loop makes ten events a second of it. While no task runs it sleeps, but
    looks now and then: what one thread had left to another one to send, which Redis did not take, has nobody else.
    """

    pause_s = 0.1
    longest_sleep_s = 1.0

    def run_once(self, broker: CallboardBroker) -> None:
        """Sends what running tasks have to tell; nothing when no task has news."""
        broker.announce()

    def rest(self, broker: CallboardBroker) -> None:
        """Waits until a task runs, for a while."""
        broker.stage.wait_for_task(self.longest_sleep_s)

    def after_worker_shutdown(self, broker: CallboardBroker, worker: Worker) -> None:  # type: ignore[override]
        """Ends it: the last task is done."""
        super().after_worker_shutdown(broker, worker)
        broker.stage.end_waiting()
