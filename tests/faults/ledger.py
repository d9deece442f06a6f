"""What became of each request of a load: the books of the harness."""

import json
import secrets
import threading
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

#: More attempts than any trial task has.
MOST_ATTEMPTS = 100


class Fate(IntEnum):
    """What the sender of a request knows of it."""

    UNSENT = 0
    #: Redis said that a subscriber has it, or that it is in the stream.
    ACCEPTED = 1
    #: Redis said that nobody listened, or refused it.
    UNHEARD = 2
    #: The connection was lost before Redis said anything, or fewer have heard it than are to.
    UNSURE = 3


@dataclass
class Account:
    """The sum of it all. Requests are named by their numbers, so that they can be looked for in the logs."""

    #: Accepted by Redis, or answered all the same.
    sent: int = 0
    #: Refused by Redis, or published while nobody listened; not answered.
    unheard: int = 0
    #: Published on a connection that was lost before Redis said anything, or heard by fewer than are to; not answered.
    unsure: int = 0
    answered: int = 0
    #: Of those, how many outcomes were found in Redis only, since the connection to hear them was lost.
    stored: int = 0
    replayed: int = 0
    lost: list[int] = field(default_factory=list)
    twice: list[int] = field(default_factory=list)
    ran_twice: list[int] = field(default_factory=list)
    wrong: list[int] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)
    #: Messages that are on a queue or in a worker's hands when all is over.
    left_over: int = 0
    longest_gap_s: float = 0.0


class Ledger:
    """Written by the thread that publishes and the thread that listens; a request is known by its number."""

    def __init__(self) -> None:
        self._name = f"faults-{secrets.token_hex(4)}"
        self._sent_s = array("d")
        self._answered_s = array("d")
        self._fates = bytearray()
        self._answers = bytearray()
        self._stored: set[int] = set()
        self._wrong: list[int] = []
        self._codes: Counter[str] = Counter()
        self.replayed = 0
        self._lock = threading.Lock()
        self.answered = 0
        #: The number of the latest request that is answered; -1 before.
        self.newest_answered = -1
        #: Accepted, and not answered yet.
        self.outstanding = 0

    @property
    def sent(self) -> int:
        """How many requests there are; their numbers begin at 0."""
        return len(self._fates)

    def user_id(self, number: int) -> str:
        """The user that this request belongs to."""
        return f"{self._name}-{number}"

    def open(self, count: int) -> range:
        """Enters new requests, about to be sent; returns their numbers."""
        now_s = time.monotonic()
        with self._lock:
            first = self.sent
            for column, value in ((self._sent_s, now_s), (self._answered_s, 0.0)):
                column.extend([value] * count)
            self._fates.extend(bytes([Fate.UNSENT]) * count)
            self._answers.extend(bytes(count))
        return range(first, first + count)

    def decide(self, number: int, fate: Fate) -> None:
        """Enters what the sender knows now. A request that is sent in several ways is accepted if one of them is."""
        with self._lock:
            if self._fates[number] != Fate.ACCEPTED:
                self._fates[number] = fate
                self.outstanding += fate is Fate.ACCEPTED and not self._answered_s[number]

    def hear(self, payload: bytes) -> None:
        """Enters an outcome that was published."""
        outcome = json.loads(payload)
        if (number := self._number(outcome)) is None:
            return
        with self._lock:
            if outcome.get("replayed"):
                self.replayed += 1
                return
            self._answers[number] = min(self._answers[number] + 1, 255)
            self._answer(number, outcome)

    def find(self, payload: bytes | str) -> None:
        """Enters an outcome that Redis has kept; it counts where none was heard."""
        outcome = json.loads(payload)
        number = self._number(outcome)
        with self._lock:
            if number is not None and not self._answered_s[number]:
                self._stored.add(number)
                self._answer(number, outcome)

    def forgive(self, payload: bytes) -> None:
        """Enters that a request was lost on a connection that only Redis believed to be there: it was unheard."""
        number = self._number(json.loads(payload))
        with self._lock:
            if number is not None and self._fates[number] == Fate.ACCEPTED:
                self._fates[number] = Fate.UNHEARD
                self.outstanding -= not self._answered_s[number]

    def settled_s(self, until_s: float) -> float | None:
        """When the last of the requests sent before `until_s` was answered; None when there is no such request."""
        return max((heard_s for sent_s, heard_s in self._heard() if sent_s <= until_s), default=None)

    def latencies_s(self) -> list[tuple[float, float]]:
        """When each answered request was sent, and how long its answer took."""
        return [(sent_s, heard_s - sent_s) for sent_s, heard_s in self._heard()]

    def account(self, tally: Path, left_over: int) -> Account:
        """The sum; `tally` is the folder in which the trial tasks note their runs."""
        rows = list(zip(self._fates, self._answered_s, strict=True))
        open_fates = Counter(fate for fate, answered_s in rows if not answered_s)
        return Account(
            sent=self.answered + open_fates[Fate.ACCEPTED],
            unheard=open_fates[Fate.UNHEARD],
            unsure=open_fates[Fate.UNSURE],
            answered=self.answered,
            stored=len(self._stored),
            replayed=self.replayed,
            lost=[number for number, row in enumerate(rows) if row == (Fate.ACCEPTED, 0.0)],
            twice=[number for number, count in enumerate(self._answers) if count > 1],
            ran_twice=sorted(_ran_twice(tally)),
            wrong=self._wrong,
            codes=self._codes,
            left_over=left_over,
            longest_gap_s=self._longest_gap_s(),
        )

    def _number(self, outcome: dict[str, Any]) -> int | None:
        name, _, digits = str(outcome["user_id"]).rpartition("-")
        return int(digits) if name == self._name else None

    def _answer(self, number: int, outcome: dict[str, Any]) -> None:
        if self._answered_s[number]:
            return
        self._answered_s[number] = time.monotonic()
        self.answered += 1
        self.newest_answered = max(self.newest_answered, number)
        self.outstanding -= self._fates[number] == Fate.ACCEPTED
        self._codes[outcome.get("error_code") or outcome["status"]] += 1
        if outcome["status"] == "completed" and outcome["result"] != {"number": number}:
            self._wrong.append(number)

    def _heard(self) -> list[tuple[float, float]]:
        """When each request was sent and its answer heard; an answer that was found later was not heard."""
        with self._lock:
            pairs = enumerate(zip(self._sent_s, self._answered_s, strict=True))
            return [pair for number, pair in pairs if pair[1] and number not in self._stored]

    def _longest_gap_s(self) -> float:
        """While requests were sent, up to the last of them; how long that one took is no gap."""
        last_s = self._sent_s[-1]
        heard_s = sorted(heard_s for _, heard_s in self._heard() if heard_s < last_s)
        return max(after - before for before, after in pairwise([self._sent_s[0], *heard_s, last_s]))


def runs_in(tally: Path) -> Iterator[tuple[int, int, float]]:
    """The number of the request and of the attempt, and when it began, for each run of a trial task."""
    for file in tally.iterdir():
        with file.open() as lines:
            for line in lines:
                number, attempt, began_s = line.split()
                yield int(number), int(attempt), float(began_s)


def _ran_twice(tally: Path) -> set[int]:
    """The requests of which one attempt ran more than once."""
    # A soak has millions of them: a number for each run takes little.
    seen: set[int] = set()
    twice: set[int] = set()
    for number, attempt, _ in runs_in(tally):
        run = number * MOST_ATTEMPTS + attempt
        if run in seen:
            twice.add(number)
        seen.add(run)
    return twice
