"""What has been heard of one request."""

from abc import ABC, abstractmethod
from typing import Any

from client.errors import NoOutcomeError, TaskError
from client.request import Key
from contract import EventKind, TaskEvent, TaskOutcome
from errors import CallboardError

#: The events that no other one follows.
LAST = frozenset({EventKind.COMPLETED, EventKind.ERROR, EventKind.CANCELLED})

#: Progress before the last so many events is forgotten, read or not: a task may report it ten times a second, for days.
KEPT = 100


class Waiter(ABC):
    """Collects what is heard of one request, for whoever waits for that: in a thread, or in an event loop.

    Attributes:
        events: those heard so far, when `wants_events`; None in place of old progress. The last one is of the kinds in
            `LAST`: where the outcome came without it, because the request was refused or events are off, it is made of
            the outcome.
        failure: why nothing more will be heard.
    """

    def __init__(self, key: Key) -> None:
        self.key = key
        self.outcome: TaskOutcome | None = None
        self.wants_events = False
        self.events: list[TaskEvent | None] = []
        self.failure: CallboardError | None = None

    @property
    def is_over(self) -> bool:
        """Whether the outcome is there, or will never be."""
        return self.outcome is not None or self.failure is not None

    def settle(self, outcome: TaskOutcome) -> None:
        """The outcome has come."""
        self.tell(last_event(outcome))
        self.outcome = outcome
        self._wake()

    def tell(self, event: TaskEvent) -> None:
        """An event has come."""
        if self.events and (last := self.events[-1]) and last.event in LAST:
            return
        self.events.append(event)
        if len(self.events) > KEPT and (old := self.events[-KEPT - 1]) and old.event is EventKind.PROGRESS:
            self.events[-KEPT - 1] = None
        self._wake()

    def give_up(self, failure: CallboardError) -> None:
        """Nothing more will come."""
        self.failure = failure
        self._wake()

    def has_event(self, number: int) -> bool:
        """Whether there is an event of this number, from 0 on, or will never be."""
        return len(self.events) > number or self.is_over

    def event(self, number: int) -> TaskEvent | None:
        """The event of this number; None for progress that is forgotten.

        Raises:
            CallboardError: why there is none.
        """
        if len(self.events) > number:
            return self.events[number]
        raise self._why_none()

    def ending(self) -> TaskOutcome:
        """The outcome.

        Raises:
            CallboardError: why there is none.
        """
        if self.outcome is not None:
            return self.outcome
        raise self._why_none()

    def _why_none(self) -> CallboardError:
        user_id, request_id = self.key
        return self.failure or NoOutcomeError(
            f"no outcome of request {request_id!r} of user {user_id!r} in the time that was given; it may still be "
            "waiting or running. Wait for longer, or look whether a worker runs"
        )

    @abstractmethod
    def _wake(self) -> None:
        """Has whoever waits look again."""


def result_of(outcome: TaskOutcome) -> dict[str, Any]:
    """The result.

    Raises:
        TaskError: when the outcome is an error.
    """
    if outcome.status == "error":
        raise TaskError(outcome)
    return outcome.result or {}


def last_event(outcome: TaskOutcome) -> TaskEvent:
    """The event that tells of this outcome."""
    kind = EventKind.ERROR if outcome.status == "error" else EventKind.COMPLETED
    if outcome.error_code == "cancelled":
        kind = EventKind.CANCELLED
    return TaskEvent(
        event=kind,
        task_id=outcome.task_id,
        user_id=outcome.user_id,
        task_type=outcome.task_type,
        timestamp=outcome.timestamp,
        request_id=outcome.request_id,
        attempt=outcome.attempts,
        error=outcome.error,
        error_code=outcome.error_code,
        duration_ms=outcome.duration_ms,
    )
