"""When a subscription is silent for so long that Redis is asked whether it is still there."""

import time

import redis

#: How long is waited for a message at a time.
SILENCE_S = 1.0

#: After this long without a word from Redis it is asked for one, and has as long again to answer.
PING_S = 5.0


class Silence:
    """How long nothing was heard. A cable that is pulled says nothing, which looks like a channel without messages."""

    def __init__(self) -> None:
        self.ends()

    def ends(self) -> None:
        """Something was heard."""
        self._since_s = time.monotonic()
        self._asked = False

    def asks(self) -> bool:
        """Whether it is time to send a PING now.

        Raises:
            redis.TimeoutError: when one was sent and is not answered.
        """
        silent_s = time.monotonic() - self._since_s
        if self._asked and silent_s > 2 * PING_S:
            raise redis.TimeoutError(f"Redis has not answered a PING for {PING_S:.0f} s")
        is_time = not self._asked and silent_s > PING_S
        self._asked = self._asked or is_time
        return is_time
