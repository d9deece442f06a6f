"""What an ingress has heard and is not known to be taken in yet, and where in the channel that is."""

from bisect import bisect_left
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import accumulate, islice
from uuid import uuid4

#: How many markers are remembered; each start of an ingress makes one.
MARKERS = 100


class Backlog:
    """Requests in the order in which Redis published them, and markers between them.

    Redis delivers to all its subscribers in one order. So "the 17th request after marker M" is the same one for every
    ingress that has heard M, and is called a position. Whoever takes requests in leaves the position behind them in
    Redis; whoever takes over goes on from there, with nothing lost and nothing twice. See `ingress.progress`.

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
        # Requests are numbered from the first that was heard: this is the number of the first that is held.
        self._first = 0
        # Below this number they are taken in, also those that are still to be heard.
        self._wanted = 0
        self._markers = {uuid4().hex: 0}

    def __len__(self) -> int:
        return len(self._requests)

    def extend(self, requests: Sequence[bytes]) -> None:
        """Adds the requests that were heard last."""
        known = min(max(0, self._wanted - self._first), len(requests))
        self._first += known
        self._requests.extend(requests[known:])
        self.size_bytes += sum(map(len, requests[known:]))
        # Whatever its size, one request does not push the others out.
        while self._requests and self.size_bytes - len(self._requests[-1]) > self._limit_bytes:
            self.drop(1)
            self.dropped += 1

    def mark(self, marker: str) -> None:
        """Notes that this marker was heard now."""
        self._markers[marker] = self._first + len(self._requests)
        # Not one that the oldest request is counted from.
        if len(self._markers) > MARKERS and list(islice(self._markers.values(), 2))[1] <= self._first:
            del self._markers[next(iter(self._markers))]

    def first(self, count: int, size_bytes: int) -> list[bytes]:
        """The oldest requests, `count` of them, or fewer when they have `size_bytes` together; one at least, if any."""
        requests = list(islice(self._requests, count))
        sizes = accumulate(map(len, requests))
        return requests[: 1 + bisect_left(list(sizes), size_bytes)]

    def drop(self, count: int) -> None:
        """Forgets the oldest `count` requests."""
        self.size_bytes -= sum(len(self._requests.popleft()) for _ in range(count))
        self._first += count

    def progress_after(self, count: int) -> dict[str, int]:
        """The position behind the oldest `count` requests: how many come after the last marker before them, and after
        each one that was heard between them. An ingress that has heard some of these requests knows one of these."""
        end = self._first + count
        progress: dict[str, int] = {}
        for marker, place in reversed(self._markers.items()):
            if place <= end:
                progress[marker] = end - place
                if place <= self._first:
                    break
        return dict(reversed(progress.items()))

    @property
    def markers(self) -> list[str]:
        """Those that were heard, so that `drop_known` finds them."""
        return list(self._markers)

    def drop_known(self, progress: Mapping[str, int]) -> int:
        """Forgets the requests that are taken in, those too that are still to be heard, up to the first that is not.

        Returns:
            How many were passed over, which come first now: whoever took in what is behind them has not heard them.
        """
        markers = sorted(progress, key=self._markers.__getitem__)
        for marker in markers:
            place = self._markers[marker]
            # Before the first marker nobody says what was taken in: those of long ago are forgotten, see take_in.lua.
            if marker != markers[0] and place > max(self._first, self._wanted):
                return place - self._first
            self._wanted = max(self._wanted, place + progress[marker])
            self.drop(min(max(0, self._wanted - self._first), len(self._requests)))
        return 0
