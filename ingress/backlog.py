"""What an ingress has heard that is not known to be taken in yet, and where in the channel that is."""

from bisect import bisect_left
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import accumulate, islice
from uuid import uuid4

#: How many markers are remembered. An ingress makes one when it subscribes, and most that take over make another.
MARKERS = 100


class Backlog:
    """Requests in the order in which Redis published them, and markers between them.

    Redis delivers to all its subscribers in one order. So "17 requests after marker M" means the same to every ingress
    that has heard M: it is called a position. Whoever takes requests in leaves the position behind them in Redis;
    whoever takes over goes on from there, with nothing lost and nothing twice. See `ingress.position`.

    Parameters:
        limit_bytes: the most that is held besides the latest request; above it the oldest are dropped and counted in
            `dropped`.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.dropped = 0
        self._limit_bytes = limit_bytes
        self._requests: deque[bytes] = deque()
        #: Of the requests that are held.
        self.size_bytes = 0
        # Requests are numbered in the order in which they are heard: this is the number of the oldest that is held.
        self._oldest = 0
        # Those with lower numbers are taken in; it may be the number of one that is still to be heard.
        self._wanted = 0
        # By marker, the number of the request that comes after it. The first one nobody else knows: it stands before
        # requests that are heard before any marker is.
        self._markers = {uuid4().hex: 0}

    def __len__(self) -> int:
        return len(self._requests)

    def extend(self, requests: Sequence[bytes]) -> None:
        """Adds the requests that were heard last."""
        known = min(max(0, self._wanted - self._oldest), len(requests))
        self._oldest += known
        self._requests.extend(requests[known:])
        self.size_bytes += sum(map(len, requests[known:]))
        # Whatever its size, one request does not push the others out.
        while self._requests and self.size_bytes - len(self._requests[-1]) > self._limit_bytes:
            self.drop(1)
            self.dropped += 1

    def mark(self, marker: str) -> None:
        """Notes that this marker was heard now."""
        self._markers[marker] = self._oldest + len(self._requests)
        # But not the marker that the oldest request is counted from.
        if len(self._markers) > MARKERS and list(islice(self._markers.values(), 2))[1] <= self._oldest:
            del self._markers[next(iter(self._markers))]

    def first(self, count: int, size_bytes: int) -> list[bytes]:
        """The oldest requests: up to `count`, and none behind the one with which they reach `size_bytes`."""
        requests = list(islice(self._requests, count))
        sizes = accumulate(map(len, requests))
        return requests[: 1 + bisect_left(list(sizes), size_bytes)]

    def drop(self, count: int) -> None:
        """Forgets the oldest `count` requests."""
        self.size_bytes -= sum(len(self._requests.popleft()) for _ in range(count))
        self._oldest += count

    def position_after(self, count: int) -> dict[str, int]:
        """The position behind the oldest `count` requests, counted from the last marker before them and from each one
        between them: an ingress that has heard any of these requests knows one of these markers."""
        end = self._oldest + count
        position: dict[str, int] = {}
        for marker, start in reversed(self._markers.items()):
            if start <= end:
                position[marker] = end - start
                if start <= self._oldest:
                    break
        return dict(reversed(position.items()))

    @property
    def markers(self) -> list[str]:
        """Those that were heard, so that `drop_known` finds them."""
        return list(self._markers)

    def drop_known(self, position: Mapping[str, int]) -> int:
        """Forgets the requests up to this position, also those that are still to be heard, but none behind one that was
        passed over: a request that is not taken in, though later ones are.

        Returns:
            How many of the oldest requests were passed over: whoever took in the later ones has not heard them.
        """
        markers = sorted(position, key=self._markers.__getitem__)
        # Those of long ago are forgotten, see take_in.lua: then nobody says what was taken in before the first one. But
        # nothing of what was heard here can have been before anything was.
        may_be_forgotten = self._oldest > 0 or self._wanted > 0
        for marker in markers:
            start = self._markers[marker]
            if start > max(self._oldest, self._wanted) and not (may_be_forgotten and marker == markers[0]):
                return start - self._oldest
            self._wanted = max(self._wanted, start + position[marker])
            self.drop(min(max(0, self._wanted - self._oldest), len(self._requests)))
        return 0
