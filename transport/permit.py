"""Which worker processes look for messages where there are more of them than cores."""

import os
import sys
import time
from zlib import crc32

if sys.platform == "linux":
    import fcntl

#: A task that is shorter takes less than it takes to get a process going again.
SHORT_TASK_MS = 1.0

#: So many tasks, about, show whether those of a queue are short.
LATELY = 32

#: A process without room for more messages keeps its permit for so long.
KEPT_S = 0.004

#: How long a process waits before it looks for a permit again; longer and longer, up to ...
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.01, 0.1

#: After so long it asks without one. So whatever becomes of those that have permits, messages are fetched.
LONGEST_REST_S = 1.0


class Permit:
    """Held by a process that looks for messages of one queue; there is one for each core.

    What a process works with has left the cores' caches when others have run meanwhile, and to bring it back takes as
    long as several short tasks do: 16 processes that took turns on 2 cores needed twice the processor time for a task.
    So while tasks are short, those that have a permit keep it as long as they keep up, and the others rest.

    Parameters:
        file: what `file_for_permits` has returned; each byte of the file is a permit.
    """

    def __init__(self, file: int | None, queue_name: str) -> None:
        self._file = file
        cores = _usable_cores()
        first = crc32(queue_name.encode()) * cores
        self._offsets = range(first, first + cores)
        self._held: int | None = None
        self._rests_since_s: float | None = None
        self._short_share = 0.0

    def note_task(self, duration_ms: float) -> None:
        """Tells how long a task of the queue took. Of two threads' that come at once one may be passed over."""
        self._short_share += ((duration_ms < SHORT_TASK_MS) - self._short_share) / LATELY

    def allows(self) -> bool:
        """Whether this process may ask for messages now; if not, it is to look again after `pause_s`."""
        if self._file is None:
            return True
        if self._short_share < 0.5:
            self.release()
            return True
        now_s = time.monotonic()
        if self._held is None and not self._take(self._file):
            self._rests_since_s = self._rests_since_s or now_s
            if now_s - self._rests_since_s < LONGEST_REST_S:
                return False
        self._rests_since_s = None
        return True

    @property
    def pause_s(self) -> float:
        """How long to wait for."""
        rested_s = time.monotonic() - self._rests_since_s if self._rests_since_s else 0.0
        return min(LONGEST_PAUSE_S, max(FIRST_PAUSE_S, rested_s / 2))

    def release(self) -> None:
        """Leaves the permit to another process."""
        if self._file is not None and self._held is not None:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, self._held)
            self._held = None

    def _take(self, file: int) -> bool:
        for offset in self._offsets:
            try:
                # Unlike those of flock(2) these locks are the process's, though it has the file from its supervisor as
                # the others have; and they end with the process, however that ends.
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
            except OSError:
                continue
            self._held = offset
            return True
        return False


def file_for_permits(processes: int) -> int | None:
    """The descriptor of a file that so many processes have to share; None where nobody has to rest: there are as many
    cores, or it is not Linux."""
    if sys.platform != "linux" or processes <= _usable_cores():
        return None
    return os.memfd_create("callboard-permits")


def _usable_cores() -> int:
    """How many of the machine's cores this process may run on."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 0
