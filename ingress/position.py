"""How far into the channel requests are taken in, kept in Redis for whoever takes over."""

from typing import Any

import redis

from ingress.backlog import Backlog
from transport.arrivals import LAST_MARKER

#: To an ingress that starts so long after the last one has died it says nothing: it has heard none of the markers.
POSITION_TTL_S = 24 * 3600


class Position:
    """The position in Redis, as one subscription sees it.

    A hash: for each marker how many of the requests after it are taken in, at least, and which marker the leader has
    used last. take_in.lua writes it.

    What was taken in after a marker stays known when later markers are in use. So it is known even to an ingress that
    comes back late from a Redis which was away.
    """

    def __init__(self, client: "redis.Redis", key: str, backlog: Backlog) -> None:
        self.key = key
        self._client = client
        self._backlog = backlog
        #: Whether the last marker has ever been one that was heard here. From then on an unknown last marker is one
        #: that came after everything in the backlog.
        self.was_in_step = False
        #: How many of the oldest requests in the backlog nobody has taken in, though later ones were.
        self.passed_over = 0

    def drop_known(self) -> bool:
        """Has the backlog forget what was taken in; False when it does not know the last marker.

        Raises:
            redis.RedisError: when Redis cannot say.
        """
        markers = self._backlog.markers
        values: Any = self._client.hmget(self.key, [LAST_MARKER, *markers])
        last, *counts = values
        taken_in = {marker: int(count) for marker, count in zip(markers, counts, strict=True) if count is not None}
        self.passed_over = self._backlog.drop_known(taken_in)
        if last is None:
            return True
        is_known = last.decode() in markers
        self.was_in_step |= is_known
        return is_known
