"""A worker process hears which messages were cancelled while they were in a worker's hands."""

import redis
from dramatiq import Broker, Worker
from dramatiq.middleware import Middleware

from transport.channel_listener import ChannelListener
from transport.redis_broker import CALL_OFFS, CallboardBroker
from transport.stage import Stage


class CallOffs(Middleware):
    """Interrupts the tasks of such messages that run in this process.

    Not dramatiq-abort: it asks Redis before each task, which is a round trip more, looks for a task that has just begun
    up to a second later, and leaves a waiting message on its queue until a worker comes to it.
    """

    def __init__(self) -> None:
        self._listener: _CallOffListener | None = None

    def after_worker_boot(self, broker: CallboardBroker, worker: Worker) -> None:  # type: ignore[override]
        """Starts to listen."""
        self._listener = _CallOffListener(broker.client, broker.stage)
        self._listener.start()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Stops it: the last task is done."""
        if self._listener:
            self._listener.stop()


class _CallOffListener(ChannelListener):
    def __init__(self, client: "redis.Redis", stage: Stage) -> None:
        super().__init__(client, CALL_OFFS)
        self._stage = stage

    def hear(self, data: bytes) -> None:
        """Gets the redis message id of a message that was cancelled."""
        self._stage.call_off(data.decode("ascii", "replace"))
