"""What was judged and could not be taken in, as that took longer than the lease lasts."""

import time

from transport.arrivals import Arrival

#: How long it is kept: the age of a message counts from when it was judged.
KEPT_S = 60.0


class Verdicts:
    """By the requests themselves, what became of them. Belongs to the one thread that hears the channel.

    To judge a request may take longer than the lease lasts: a parameter's own check, a set of numbers whose hashes are
    alike. Whoever loses the lease over that would judge it anew once it leads again, and lose it again, for ever; and
    so would all other ingresses, which have heard the same.
    """

    def __init__(self) -> None:
        self._latest: list[tuple[bytes, Arrival]] = []
        # Several for the same bytes: each was sent to be performed.
        self._kept: dict[bytes, list[Arrival]] = {}
        self._kept_s = 0.0

    def find(self, data: bytes) -> Arrival | None:
        """What became of this request when it was judged before, or of its like; no verdict is found twice."""
        if not self._kept:
            return None
        if time.monotonic() - self._kept_s > KEPT_S:
            # Another ingress has taken it in.
            self._kept = {}
        kept = self._kept.get(data)
        return kept.pop() if kept else None

    def note(self, data: bytes, arrival: Arrival) -> None:
        """A request of the burst that is about to be taken in was judged."""
        self._latest.append((data, arrival))

    def keep(self) -> None:
        """The burst was not taken in, and may come again."""
        for data, arrival in self._latest:
            self._kept.setdefault(data, []).append(arrival)
        self._latest = []
        self._kept_s = time.monotonic()

    def forget(self) -> None:
        """It was taken in. One without a request, by which a leader begins, ends nothing."""
        if self._latest:
            self._latest, self._kept = [], {}
