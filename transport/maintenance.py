"""A worker process shows that it is alive and looks after the queues."""

import random

import redis

from transport.pulse import BEAT_S
from transport.redis_broker import CallboardBroker
from transport.rounds import Rounds

#: What the health of a worker calls it.
LOOP = "maintenance"


class Maintenance(Rounds):
    """Has a thread of its own, since consumers may wait for room, or for Redis, longer than a worker may be silent."""

    def __init__(self) -> None:
        super().__init__()
        # A little apart: else workers that have started together would all offer to look in the same moment, each time.
        self.pause_s = BEAT_S * random.uniform(0.97, 1)  # noqa: S311 - no secret

    def run_once(self, broker: CallboardBroker) -> None:
        """Looks after the queues, if it is this worker's turn."""
        try:
            broker.maintain()
        except redis.RedisError as error:
            broker.watchdog.failed(LOOP, error)
            raise
        broker.watchdog.turned(LOOP)
