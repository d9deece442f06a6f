"""What is known of the requests that are on their way, from their events."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from client.waiter import LAST
from contract import EventKind, TaskEvent

#: What rate and latency are taken from.
WINDOW_S = 10.0

#: The most requests that are kept; those that ended longest ago go first.
CAPACITY = 1_000

#: After its end these are of a dead letter that is tried again: it keeps its task id.
BEGINNINGS = {EventKind.ACCEPTED, EventKind.STARTED}


@dataclass
class Row:
    """One request. Times are those of a clock of this process, at which its events were heard; None where the event was
    not heard. `share` of 1 is what the task has done, as it says itself."""

    last: TaskEvent
    state: EventKind
    accepted_s: float | None = None
    started_s: float | None = None
    ended_s: float | None = None
    attempt: int | None = None
    error: str | None = None
    share: float | None = None

    def waited_s(self, now_s: float) -> float | None:
        """How long it waited before its first attempt, or has waited by now."""
        if self.accepted_s is None:
            return None
        return (self.started_s or self.ended_s or now_s) - self.accepted_s

    def ran_s(self, now_s: float) -> float | None:
        """How long it ran, or has run by now, with its retries."""
        return None if self.started_s is None else (self.ended_s or now_s) - self.started_s


class Board:
    """The requests, those first that were heard of last.

    Parameters:
        clock: tells the time, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rows: dict[str, Row] = {}
        #: When each ended, and how long after its acceptance, where that was heard.
        self._ended: deque[tuple[float, float | None]] = deque()
        self._refused = 0

    def take(self, event: TaskEvent) -> None:
        """An event was heard."""
        now_s = self._clock()
        name = self._name(event)
        row = self._rows.pop(name, None)
        if row is None or (row.ended_s is not None and event.event in BEGINNINGS):
            row = Row(event, event.event)
        self._rows[name] = row
        row.last = event
        row.attempt = event.attempt or row.attempt
        if event.event is EventKind.ACCEPTED:
            row.accepted_s = now_s
        elif event.event is EventKind.STARTED:
            row.started_s = row.started_s or now_s
        elif event.event is EventKind.PROGRESS and event.total:
            row.share = max(0.0, min((event.done or 0) / event.total, 1.0))
        if event.event is not EventKind.PROGRESS:
            row.state = event.event
            row.error = event.error
        if event.event in LAST:
            row.ended_s = now_s
            if row.attempt == 1 and event.duration_ms is not None:
                # The start of a short task is told together with its end.
                row.started_s = max(now_s - event.duration_ms / 1000, row.accepted_s or 0.0)
            self._ended.append((now_s, None if row.accepted_s is None else now_s - row.accepted_s))
        self._forget()

    def rows(self) -> Iterator[Row]:
        """The requests; those that have not ended stand first."""
        newest = list(reversed(self._rows.values()))
        yield from (row for row in newest if row.ended_s is None)
        yield from (row for row in newest if row.ended_s is not None)

    def rate(self) -> float:
        """How many requests ended a second."""
        self._forget()
        return len(self._ended) / WINDOW_S

    def latencies_s(self) -> list[float]:
        """How long they took from their acceptance to their end, ascending."""
        self._forget()
        return sorted(latency_s for _, latency_s in self._ended if latency_s is not None)

    def _name(self, event: TaskEvent) -> str:
        if event.task_id != "error":
            return event.task_id
        # Refused, each with this for an id.
        self._refused += event.event is EventKind.ERROR
        return f"error {self._refused}"

    def _forget(self) -> None:
        now_s = self._clock()
        while self._ended and self._ended[0][0] < now_s - WINDOW_S:
            self._ended.popleft()
        while len(self._rows) > CAPACITY:
            ended = (name for name, row in self._rows.items() if row.ended_s is not None)
            del self._rows[next(ended, next(iter(self._rows)))]
