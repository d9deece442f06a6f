"""The life-cycle events of one task, in order, until they are sent."""

import threading
from typing import NamedTuple

from contract import EventKind, Sender, sentence, timestamp, write_event


class Report(NamedTuple):
    """How far a task has come, as it last said."""

    done: float
    total: float
    message: str | None

    @property
    def is_end(self) -> bool:
        """Whether the task has come to the end of this count."""
        return self.done >= self.total


class Bulletin:
    """The events of one attempt that are still to be sent. Safe to be used by several threads.

    A task may report its progress as often as it likes: a report replaces the one before, and becomes an event when
    `Herald` comes round or the task ends.
    """

    def __init__(self, task_id: str, sender: Sender, attempt: int) -> None:
        self._task_id = task_id
        self._sender = sender
        self._attempt = attempt
        self._events: list[bytes] = []
        self._report: Report | None = None
        # The last report of an earlier count, which has come to its end while a new one has begun.
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
        """The attempt was not begun: events from now on belong to the one before, or to none."""
        self._attempt -= 1

    def report(self, report: Report) -> None:
        """Notes how far the task has come."""
        with self._changing:
            if self._report and self._report.is_end and not report.is_end:
                self._end_report = self._report
            self._report = report

    def collect_news(self) -> bool:
        """Makes an event of the latest report; returns whether there is something to send. Called by `Herald` only, or
        more than ten events a second would come of a task's reports."""
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
