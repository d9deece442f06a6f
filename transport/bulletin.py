"""What there is to tell of one task: its life-cycle events, in order, until they are sent."""

import threading
from typing import NamedTuple

from contract import EventKind, Sender, sentence, timestamp, write_event


class Report(NamedTuple):
    """How far a task has come, as it has said last."""

    done: float
    total: float
    message: str | None

    @property
    def is_end(self) -> bool:
        """Whether the task has come to the end of this count."""
        return self.done >= self.total


class Bulletin:
    """The events of one attempt that are still to be sent. Safe to be used by several threads.

    A task may report its progress as often as it likes: a report takes the place of the one before, and becomes an
    event when `Herald` comes round or the task ends.
    """

    def __init__(self, task_id: str, sender: Sender, attempt: int) -> None:
        self._task_id = task_id
        self._sender = sender
        self._attempt = attempt
        self._events: list[bytes] = []
        self._report: Report | None = None
        # Of the count before the present one, if the end of that was not told yet.
        self._end_report: Report | None = None
        self._changing = threading.Lock()

    def add(self, kind: EventKind, at: str, **details: object) -> None:
        """Adds an event, behind whatever the task has reported before. The rest is as in `write_event`."""
        if self._attempt:
            details["attempt"] = self._attempt
        event = write_event(kind, at, self._task_id, self._sender, **details)
        with self._changing:
            while self._report:
                self._add_report(at)
            self._events.append(event)

    def take_back_attempt(self) -> None:
        """The attempt was not begun: what is told from now on is of the one before, or of none."""
        self._attempt -= 1

    def report(self, report: Report) -> None:
        """Notes how far the task has come."""
        with self._changing:
            if self._report and self._report.is_end and not report.is_end:
                self._end_report = self._report
            self._report = report

    def has_news(self) -> bool:
        """Whether there is something to send; to be asked by `Herald` only: one report becomes an event each time."""
        with self._changing:
            if self._report and len(self._events) <= 1:  # more have piled up only because Redis is away
                self._add_report(timestamp())
            return bool(self._events)

    def take(self) -> list[bytes]:
        """What is to be sent now."""
        with self._changing:
            events, self._events = self._events, []
            return events

    def put_back(self, events: list[bytes]) -> None:
        """Takes back what could not be sent."""
        with self._changing:
            self._events[:0] = events

    def _add_report(self, at: str) -> None:
        if self._end_report:
            report, self._end_report = self._end_report, None
        elif self._report:
            report, self._report = self._report, None
        else:
            return
        message = {} if report.message is None else {"message": sentence(report.message)}
        details = {"attempt": self._attempt, "done": report.done, "total": report.total, **message}
        self._events.append(write_event(EventKind.PROGRESS, at, self._task_id, self._sender, **details))
