"""A subscription that is silent for long: whether Redis is still there."""

import time

import redis


class Silence:
    """How long nothing was heard. A cable that is pulled looks like a channel without messages.

    Parameters:
        ping_s: after so long without a word from Redis, a PING asks for one, which Redis has as long again to answer.
    """

    def __init__(self, ping_s: float) -> None:
        self._ping_s = ping_s
        self.ends()

    def ends(self) -> None:
        """Something was heard."""
        self._heard_s = time.monotonic()
        self._asked_s: float | None = None

    def asks(self) -> bool:
        """Whether it is time to send a PING now.

        Raises:
            redis.TimeoutError: when one was sent and was not answered in time.
        """
        now_s = time.monotonic()
        if self._asked_s is not None:
            if now_s - self._asked_s > self._ping_s:
                raise redis.TimeoutError(f"Redis has not answered a PING for {self._ping_s:.0f} s")
            return False
        if now_s - self._heard_s <= self._ping_s:
            return False
        self._asked_s = now_s
        return True
