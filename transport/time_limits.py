"""How long a task may run."""

import time

from dramatiq.middleware import TimeLimitExceeded
from loguru import logger

from transport.messages import Delivery
from transport.redis_broker import CallboardBroker
from transport.rounds import Rounds


class TimeLimits(Rounds):
    """Ends the tasks that run for longer than the option `time_limit` allows, in ms.

    Dramatiq's own middleware raises its exception wherever the thread is by then. That may be after the end of the
    task, while its failure is logged or its outcome is composed: then the message is acknowledged with no outcome, the
    thread ends, and a lock that it holds stays locked. Here it is raised inside `Stage.perform`, or not at all.
    """

    pause_s = 0.2

    def __init__(self, default_ms: int) -> None:
        super().__init__()
        self._default_ms = default_ms

    @property
    def actor_options(self) -> set[str]:
        """The option of a task that needs another limit."""
        return {"time_limit"}

    def run_once(self, broker: CallboardBroker) -> None:
        """Interrupts the tasks that run for longer than they may."""
        if not broker.stage.running():
            return
        now_s = time.perf_counter()
        late = broker.stage.interrupt(lambda delivery: self._is_late(broker, delivery, now_s), TimeLimitExceeded)
        for delivery in late:
            logger.bind(**delivery.marks).warning("{} runs past its time limit and is ended", delivery.actor_name)

    def _is_late(self, broker: CallboardBroker, delivery: Delivery, now_s: float) -> bool:
        limit_ms = delivery.options.get("time_limit") or broker.get_actor(delivery.actor_name).options.get("time_limit")
        # A foreign program may have put anything there.
        limit_ms = limit_ms if isinstance(limit_ms, int | float) else self._default_ms
        return delivery.started_s is not None and (now_s - delivery.started_s) * 1000 > limit_ms
