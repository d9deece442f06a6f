"""The worker processes of one supervisor: in memory that they share each notes when it was last alive, and they take
turns in telling Redis so for all. So an idle system has as few commands with many processes as with one."""

import os
import secrets
import time
from enum import IntEnum
from mmap import mmap
from typing import NamedTuple, Self

#: The variable with the descriptor of the shared file, and which of the processes this one is, from 1 on.
PLACE = "CALLBOARD_CREW"

#: The first record is the crew's: its name, and when its duties are due. The others are the processes': when each was
#: last alive, or 0 when it is off the list; whether it has joined, and need not again; and its worker id. Numbers have
#: 8 bytes; times are in ns, by the machine's monotonic clock.
RECORD_BYTES = 512
NUMBER_BYTES = 8
NAME_BYTES = 16
SEEN, JOINED = 0, 1
ID_OFFSET = 2 * NUMBER_BYTES
ID_BYTES = RECORD_BYTES - ID_OFFSET


class Duty(IntEnum):
    """What one process does for all; the value is where the crew's record says when it is due."""

    SHOW = NAME_BYTES // NUMBER_BYTES
    SHOW_TO_STOCK = SHOW + 1
    CALL_ROLL = SHOW + 2
    LOOK = SHOW + 3
    ADVANCE = SHOW + 4
    CLEAR = SHOW + 5


class Member(NamedTuple):
    """A worker, and for how long it has given no sign of life."""

    worker_id: str
    silent_s: float


class Crew:
    """A crew as one of its processes sees it. Each may write everywhere. When two do so at the same time, somebody may
    be on the list whom Redis does not know: the next roll call sets that right. Who lives is back with its next beat.

    Parameters:
        file: the descriptor of what `file_for_crew` has made; None for a process by itself.
        slot: which of the processes this one is.
    """

    def __init__(self, file: int | None = None, slot: int = 1) -> None:
        # Not the file itself: a task may close that, and open another one with the same descriptor.
        self._memory = mmap(-1, 2 * RECORD_BYTES) if file is None else mmap(file, 0)
        # Through this a number is written at once, and nobody reads half of it.
        self._numbers = memoryview(self._memory).cast("q")
        self._slot = slot

    @classmethod
    def of_this_process(cls) -> Self:
        """The one in which the supervisor has given this process a place; one of its own without a supervisor."""
        # Taken out: what a task starts has no place in it.
        place = os.environ.pop(PLACE, "")
        if not place:
            return cls()
        file, slot = map(int, place.split(":"))
        crew = cls(file, slot)
        os.close(file)
        return crew

    @property
    def name(self) -> str:
        """What the ids of its workers have in common; "" for a process by itself."""
        return _text(self._memory[:NAME_BYTES])

    def is_due(self, duty: Duty) -> bool:
        """Whether somebody should do this now; after that he is to put it off."""
        return time.monotonic_ns() >= self._numbers[duty]

    def put_off(self, duty: Duty, seconds: float) -> None:
        """It is due again after so long."""
        self._numbers[duty] = time.monotonic_ns() + int(seconds * 1e9)

    def occupant(self) -> str:
        """The worker that has this process's place, or had it last: this one or one that has died; "" if none has."""
        return self._id(self._slot)

    def enter(self, worker_id: str) -> None:
        """Puts this process on the list, before it joins: so the others notice its death in between. One that is there
        stays there."""
        self._numbers[_at(self._slot, JOINED)] = 0
        if self.occupant() != worker_id:
            self._numbers[_at(self._slot, SEEN)] = 0
            start = self._slot * RECORD_BYTES + ID_OFFSET
            self._memory[start : start + ID_BYTES] = worker_id.encode().ljust(ID_BYTES, b"\0")
        self._numbers[_at(self._slot, SEEN)] = time.monotonic_ns()

    def note_joined(self) -> None:
        """Notes that this process has joined."""
        self._numbers[_at(self._slot, JOINED)] = 1

    def note_alive(self, worker_id: str) -> bool:
        """Notes that this process is alive; False when it has to join."""
        if self.occupant() != worker_id:
            return False
        self._numbers[_at(self._slot, SEEN)] = time.monotonic_ns()
        return bool(self._numbers[_at(self._slot, JOINED)])

    def members(self) -> list[Member]:
        """All that are on the list, this process among them."""
        now_ns = time.monotonic_ns()
        # The id first: of one that enters meanwhile the time is new, or 0.
        seen = [(self._id(slot), self._numbers[_at(slot, SEEN)]) for slot in self._slots()]
        return [Member(worker_id, (now_ns - seen_ns) / 1e9) for worker_id, seen_ns in seen if seen_ns]

    def ask_to_join(self, worker_id: str) -> None:
        """Has a worker join again with its next beat. It stays on the list, since it may die before that."""
        for slot in self._slots():
            if self._id(slot) == worker_id:
                self._numbers[_at(slot, JOINED)] = 0

    def take_off(self, worker_id: str, silent_s: float = 0.0) -> None:
        """Takes a worker off the list that is dead to Redis, or leaves; but one that was not silent for so long only
        has to join again."""
        self.ask_to_join(worker_id)
        for slot in self._slots():
            silent_ns = time.monotonic_ns() - self._numbers[_at(slot, SEEN)]
            if self._id(slot) == worker_id and silent_ns >= silent_s * 1e9:
                self._numbers[_at(slot, SEEN)] = 0

    def _slots(self) -> range:
        return range(1, len(self._memory) // RECORD_BYTES)

    def _id(self, slot: int) -> str:
        return _text(self._memory[slot * RECORD_BYTES + ID_OFFSET : (slot + 1) * RECORD_BYTES])


def file_for_crew(processes: int) -> int | None:
    """The descriptor of a file for so many processes; None where each is by itself: it is one, or no Linux."""
    if processes == 1 or not hasattr(os, "memfd_create"):
        return None
    file: int = os.memfd_create("callboard-crew")
    os.ftruncate(file, (processes + 1) * RECORD_BYTES)
    os.pwrite(file, secrets.token_hex(NAME_BYTES // 2).encode(), 0)
    return file


def place_in_crew(file: int | None, slot: int) -> dict[str, str]:
    """The variables by which a process finds its place."""
    return {} if file is None else {PLACE: f"{file}:{slot}"}


def _at(slot: int, number: int) -> int:
    return slot * RECORD_BYTES // NUMBER_BYTES + number


def _text(padded: bytes) -> str:
    return padded.rstrip(b"\0").decode(errors="replace")
