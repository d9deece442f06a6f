"""How far into the channel requests are taken in, kept in Redis for whoever goes on from there."""

from typing import Any

import redis

from ingress.backlog import Backlog
from transport.arrivals import LAST_MARKER

#: For an ingress that starts a while after the last one has died, with a marker of its own, it says nothing any more.
PROGRESS_TTL_S = 24 * 3600


class Progress:
    """A hash in Redis: for each marker how many of the requests after it are taken in, at least, and which one whoever
    leads has used last. It is written by take_in.lua; this is how one subscription sees it.

    What was taken in after a marker stays known when others have gone on to later ones, and so it is known even to an
    ingress that comes back late from a Redis which was away.
    """

    def __init__(self, client: "redis.Redis", key: str, backlog: Backlog) -> None:
        self.key = key
        self._client = client
        self._backlog = backlog
        #: Whether the last marker was one that was heard here, at any time. From then on a last marker that was not is
        #: one that came later than everything in the backlog.
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
