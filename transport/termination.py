"""SIGTERMs that come together are one request to stop."""

import signal
import time
from types import FrameType

from dramatiq import Broker
from dramatiq.middleware import Middleware

from transport.forks import let_children_end

#: A SIGTERM that follows another within this time is the same request.
SAME_REQUEST_S = 1.0


class OneTermination(Middleware):
    """A worker process takes SIGTERMs that arrive together for one.

    Dramatiq's worker drops everything on a second SIGTERM. A process manager that signals the whole process group
    (systemd's default, honcho) causes one by itself: the worker gets it from the manager and again from its parent.
    """

    def after_process_boot(self, broker: Broker) -> None:
        """Handles the signal before Dramatiq's own handler does; called in the main thread."""
        dramatiq_handler = signal.getsignal(signal.SIGTERM)
        first_s: float | None = None

        def terminate(number: int, frame: FrameType | None) -> None:
            nonlocal first_s
            now_s = time.monotonic()
            if first_s is not None and now_s - first_s < SAME_REQUEST_S:
                return
            first_s = now_s if first_s is None else first_s
            if callable(dramatiq_handler):
                dramatiq_handler(number, frame)

        signal.signal(signal.SIGTERM, terminate)
        let_children_end()
