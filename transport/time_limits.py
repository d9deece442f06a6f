"""How long a task may run."""

import time

from dramatiq.middleware import TimeLimitExceeded
from loguru import logger

from transport.messages import Delivery
from transport.redis_broker import CallboardBroker
from transport.rounds import Rounds


class TimeLimits(Rounds):
    """Ends the tasks that run for longer than the option `time_limit` allows, in ms.

    Dramatiq's own raises its exception wherever the thread is by then. That may be behind the end of the task, while
    its failure is logged or its outcome is made: then its message is acknowledged with nothing to follow, its thread
    ends, and a lock that it was torn away from stays locked. Here it comes out in `Stage.perform`, or not at all.
    """

    pause_s = 0.2

    def __init__(self, default_ms: int) -> None:
        super().__init__()
        self._default_ms = default_ms

    @property
    def actor_options(self) -> set[str]:
        """What a task may say about it."""
        return {"time_limit"}

    def run_once(self, broker: CallboardBroker) -> None:
        """Stops the tasks that run for longer than they may."""
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
