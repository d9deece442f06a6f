"""The worker processes of one supervisor: in memory that they share each notes when it was last alive, and one of them
tells Redis so for all. So an idle system has as few commands with many processes as with one."""

import os
import secrets
import struct
import sys
import time
from mmap import mmap
from typing import NamedTuple, Self

#: The variable with the descriptor of the shared file, and which of the processes this one is, from 1 on.
PLACE = "CALLBOARD_CREW"

#: The first record is the crew's: its name, which process shows it to Redis, and when that did so last. The others are
#: the processes': when each was last alive, and its worker id. Times are in ns, by the machine's monotonic clock.
RECORD_BYTES = 512
_HEAD = struct.Struct("=16sqq")
_MEMBER = struct.Struct(f"=q{RECORD_BYTES - 8}s")
_NOBODY = bytes(RECORD_BYTES)


class Member(NamedTuple):
    """A worker, and for how long it has given no sign of life."""

    worker_id: str
    silent_s: float


class Crew:
    """A crew as one of its processes sees it. Each may write everywhere: what goes wrong when two write at the same
    time, the next beat sets right.

    Parameters:
        file: the descriptor of what `file_for_crew` has made; None for a process by itself.
        slot: which of the processes this one is.
    """

    def __init__(self, file: int | None = None, slot: int = 1) -> None:
        # Not the file itself: a task may close that, and open another one with the same descriptor.
        self._memory = mmap(-1, 2 * RECORD_BYTES) if file is None else mmap(file, 0)
        self._slot = slot
        #: The worker that has had this place before, and is dead; "" if there was none.
        self.predecessor = self._member(slot).worker_id

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
        return str(self._head()[0].rstrip(b"\0").decode())

    def enter(self, worker_id: str) -> None:
        """Puts this process on the list. To be called when Redis knows it, and not its predecessor any more."""
        offset = self._slot * RECORD_BYTES
        _MEMBER.pack_into(self._memory, offset, time.monotonic_ns(), worker_id.encode())

    def note_alive(self, worker_id: str) -> bool:
        """Notes that this process is alive; False when it has to enter, since it is new or was forgotten."""
        is_on_list = self._member(self._slot).worker_id == worker_id
        if is_on_list:
            self.enter(worker_id)
        return is_on_list

    def is_shown_by_this_process(self, within_s: float) -> bool:
        """Whether this process has to show the crew to Redis: it has done so last, or nobody has within that time."""
        _, shown_by, shown_ns = self._head()
        return shown_by == self._slot or time.monotonic_ns() - shown_ns > within_s * 1e9

    def note_shown(self) -> None:
        """Notes that this process has shown it; from now on it does so."""
        _HEAD.pack_into(self._memory, 0, self._head()[0], self._slot, time.monotonic_ns())

    def members(self) -> list[Member]:
        """All that have noted themselves and were not forgotten, this process among them."""
        return [member for member in map(self._member, self._slots()) if member.worker_id]

    def forget(self, worker_id: str) -> None:
        """Takes a worker off the list; if it is alive, it learns that by `note_alive`. To be called when it is dead to
        Redis, and holds nothing any more."""
        for slot in self._slots():
            if self._member(slot).worker_id == worker_id:
                self._memory[slot * RECORD_BYTES : (slot + 1) * RECORD_BYTES] = _NOBODY

    def forget_all(self) -> None:
        """Takes all off the list."""
        for member in self.members():
            self.forget(member.worker_id)

    def leave(self, worker_id: str) -> None:
        """Ends this process's part in it: another one shows the crew, at once."""
        self.forget(worker_id)
        name, shown_by, _ = self._head()
        if shown_by == self._slot:
            _HEAD.pack_into(self._memory, 0, name, 0, 0)

    def _slots(self) -> range:
        return range(1, len(self._memory) // RECORD_BYTES)

    def _head(self) -> tuple[bytes, int, int]:
        name, shown_by, shown_ns = _HEAD.unpack_from(self._memory)
        return name, shown_by, shown_ns

    def _member(self, slot: int) -> Member:
        seen_ns, worker_id = _MEMBER.unpack_from(self._memory, slot * RECORD_BYTES)
        # What is half written is nobody's id, and never found dead.
        return Member(worker_id.rstrip(b"\0").decode(errors="replace"), (time.monotonic_ns() - seen_ns) / 1e9)


def file_for_crew(processes: int) -> int | None:
    """The descriptor of a file for so many processes; None where each is by itself: there is one, or it is no Linux."""
    if sys.platform != "linux" or processes == 1:
        return None
    file = os.memfd_create("callboard-crew")
    os.ftruncate(file, (processes + 1) * RECORD_BYTES)
    os.pwrite(file, secrets.token_hex(8).encode(), 0)
    return file


def place_in_crew(file: int | None, slot: int) -> dict[str, str]:
    """The variables by which a process finds its place."""
    return {} if file is None else {PLACE: f"{file}:{slot}"}
