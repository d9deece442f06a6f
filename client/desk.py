"""Hands what is heard to whoever waits for it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from pydantic import ValidationError
from redis.exceptions import NoPermissionError

from client.place import Place
from client.request import Key
from client.waiter import Waiter
from contract import TaskEvent, read_outcome
from errors import CallboardError

W = TypeVar("W", bound=Waiter)

#: How many kept outcomes are read in one round trip.
PAGE = 500

#: How many refusals are remembered, so as not to be taken for the outcome of the corrected request.
REMEMBERED = 1_000


def pages(waiters: Sequence[W]) -> Iterator[Sequence[W]]:
    """`waiters`, so many together that their outcomes may be read in one round trip."""
    for start in range(0, len(waiters), PAGE):
        yield waiters[start : start + PAGE]


class Desk(Generic[W]):
    """Those who wait, each for one request. Thread-safe.

    One who is forgotten by the program, because it kept no handle of a request, is forgotten here as well: an outcome
    that never comes costs nothing.

    Attributes:
        has_heard: whether an outcome was heard on a channel, by one who waited for it.
        may_look: whether Redis lets its user read what is kept, as far as is known.
    """

    def __init__(self, make: Callable[[Key], W]) -> None:
        self._make = make
        self._waiting: WeakValueDictionary[Key, W] = WeakValueDictionary()
        #: When each request was refused last, by its outcome.
        self._refused: dict[Key, str] = {}
        self._lock = threading.Lock()
        self.has_heard = False
        self.may_look = True

    def enter(self, key: Key) -> W:
        """Who waits for this request from now on: the same one, where it is sent again before its outcome came."""
        with self._lock:
            return self._waiting.setdefault(key, self._make(key))

    def take_old(self, key: Key, kept: object) -> None:
        """What was kept of a request before it was sent: a refusal is that of an earlier one with the same id, which
        another client may have sent, and not its outcome."""
        if isinstance(kept, NoPermissionError):
            self.may_look = False
        outcome = read_outcome(kept) if isinstance(kept, bytes) else None
        if outcome is not None and outcome.task_id == "error":
            with self._lock:
                self._remember_refusal(key, outcome.timestamp)

    def outstanding(self) -> list[W]:
        """Who still waits."""
        with self._lock:
            return list(self._waiting.values())

    def take(self, place: Place, channel: str, data: bytes) -> None:
        """What was heard on a channel."""
        if channel == place.redis.channels.events:
            self._take_event(data)
        else:
            self._take_outcome(data)

    def take_kept(self, answers: Sequence[object]) -> bool:
        """What Redis has answered to the question for kept outcomes: nothing where there is none, and an error where
        its user may not read them. Then there is only what is heard.

        Returns:
            False after any other error: to be asked again.
        """
        for answer in answers:
            if isinstance(answer, bytes):
                self._take_outcome(answer, is_kept=True)
            elif isinstance(answer, NoPermissionError):
                self.may_look = False
        return not any(
            isinstance(answer, Exception) and not isinstance(answer, NoPermissionError) for answer in answers
        )

    def _take_outcome(self, data: bytes, *, is_kept: bool = False) -> None:
        """An outcome, anybody's: on a shared channel those of others come by, and on any channel what is none."""
        outcome = read_outcome(data)
        if outcome is None or outcome.user_id is None or outcome.request_id is None:
            return
        key = (outcome.user_id, outcome.request_id)
        with self._lock:
            # What is kept may be the refusal of a request that was corrected since, and is not taken in yet.
            if is_kept and self._refused.get(key) == outcome.timestamp:
                return
            waiter = self._waiting.pop(key, None)
            if waiter is not None and outcome.task_id == "error":
                self._remember_refusal(key, outcome.timestamp)
        if waiter is not None:
            self.has_heard = self.has_heard or not is_kept
            waiter.settle(outcome)

    def _remember_refusal(self, key: Key, at: str) -> None:
        self._refused.pop(key, None)  # so that it is the last one to be forgotten
        self._refused[key] = at
        if len(self._refused) > REMEMBERED:
            del self._refused[next(iter(self._refused))]

    def _take_event(self, data: bytes) -> None:
        """An event, anybody's. That of a refusal may be about a repeat that somebody else has sent: whose request was
        refused hears that by its outcome."""
        try:
            event = TaskEvent.model_validate_json(data)
        except ValidationError:
            return
        if event.user_id is None or event.request_id is None or event.task_id == "error":
            return
        with self._lock:
            waiter = self._waiting.get((event.user_id, event.request_id))
        if waiter is not None and waiter.wants_events:
            waiter.tell(event)

    def close(self, failure: CallboardError) -> None:
        """Nothing more will be heard."""
        for waiter in self.outstanding():
            waiter.give_up(failure)
