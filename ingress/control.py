"""Hears the control channel, on which clients say which of their requests they do not want any more."""

import time
from collections import deque
from typing import NamedTuple

import redis
from loguru import logger
from pydantic import ValidationError

from contract import ControlMessage
from transport.cancellation import Cancellation
from transport.channel_listener import ChannelListener

#: No control message is longer, but for a user id that is.
MAX_BYTES = 64 * 1024

#: A request may be cancelled before it is taken in, as it comes another way: so one that is not known is looked for
#: again, so often and after so long.
AGAIN = 8
AGAIN_S = 0.25

#: The most wishes that wait for that; the oldest are dropped.
MAX_WAITING = 1_000


class _Waiting(NamedTuple):
    due_s: float
    wish: ControlMessage
    times_left: int


class Control(ChannelListener):
    """Every ingress hears the channel and tries to cancel what is named there; whoever is first has done it for all."""

    def __init__(self, client: "redis.Redis", channel: str, cancellation: Cancellation) -> None:
        super().__init__(client, channel)
        self._cancellation = cancellation
        self._waiting: deque[_Waiting] = deque(maxlen=MAX_WAITING)

    def hear(self, data: bytes) -> None:
        """Cancels what the message names; whatever else it is, it is ignored."""
        if len(data) > MAX_BYTES:
            logger.debug("Ignored a control message of {} bytes, at most {} are read", len(data), MAX_BYTES)
            return
        try:
            wish = ControlMessage.model_validate_json(data)
        except ValidationError as error:
            logger.debug("Ignored what is no control message: {}", error.errors(include_url=False)[0]["msg"])
            return
        self._try(wish, AGAIN)

    def rest(self) -> float:
        """Looks again for what was not there."""
        now_s = time.monotonic()
        while self._waiting and self._waiting[0].due_s <= now_s:
            _, wish, times_left = self._waiting.popleft()
            self._try(wish, times_left)
        return max(0.0, self._waiting[0].due_s - now_s) if self._waiting else super().rest()

    def _try(self, wish: ControlMessage, times_left: int) -> None:
        try:
            is_known = self._cancellation.cancel(wish)
        except redis.RedisError as error:
            logger.debug("Not cancelled yet: {}", error)
            is_known = False
        if not is_known and times_left:
            self._waiting.append(_Waiting(time.monotonic() + AGAIN_S, wish, times_left - 1))
