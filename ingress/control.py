"""Hears the control channel, on which clients cancel their requests."""

import time
from collections import deque
from typing import NamedTuple

import redis
from loguru import logger
from pydantic import ValidationError

from contract import ControlMessage
from transport.cancellation import Cancellation
from transport.channel_listener import ChannelListener

#: A longer control message is ignored; only an endless user id makes one so long.
MAX_BYTES = 64 * 1024

#: A cancellation may overtake its request, which comes another way: so a request that is not known is looked for again,
#: so often and after so long.
AGAIN = 8
AGAIN_S = 0.25

#: The most cancellations that wait for that; the oldest are dropped.
MAX_WAITING = 1_000


class _Waiting(NamedTuple):
    due_s: float
    wish: ControlMessage
    times_left: int


class Control(ChannelListener):
    """Every ingress hears the channel and tries to cancel what is named there; the first one does it for all."""

    def __init__(self, client: "redis.Redis", channel: str, cancellation: Cancellation) -> None:
        super().__init__(client, channel)
        self._cancellation = cancellation
        self._waiting: deque[_Waiting] = deque(maxlen=MAX_WAITING)

    def hear(self, data: bytes) -> None:
        """Cancels what the message names; a message that names nothing is ignored."""
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
        """Looks again for requests that were not there."""
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
