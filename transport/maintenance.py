"""A worker process shows that it is alive and looks after the queues."""

from transport.pulse import BEAT_S
from transport.redis_broker import CallboardBroker
from transport.rounds import Rounds


class Maintenance(Rounds):
    """Beside the consumers, which may wait for room or for Redis longer than a worker may be silent."""

    pause_s = BEAT_S

    def make(self, broker: CallboardBroker) -> None:
        """Does so once."""
        broker.maintain()
