"""Which worker processes look for messages where there are more of them than cores."""

import os
import sys
import time
from contextlib import suppress
from zlib import crc32

from transport.stage import Stage

if sys.platform == "linux":
    import fcntl

#: A task is short that takes less, for each thread of its process: then the process has its core at work, even if its
#: tasks do nothing but wait.
SHORT_TASK_MS = 0.125

#: So many tasks, about, show whether those of a queue are short: when so large a share of them is.
LATELY, MOSTLY = 32, 0.75

#: A process in which a task runs for so long leaves the permit to one that has all its threads, and Python's lock.
LONG_TASK_S = 0.02

#: A process without room for more messages keeps its permit for so long.
KEPT_S = 0.004

#: How long a process rests before it looks for a permit again.
REST_S = 0.05

#: While one that has a permit does not ask for so long, others need none: it stands still, or there is little to do.
SILENCE_S = 0.25

#: The bytes of a permit in the file.
SIZE = 8


class Permit:
    """Held by a process that looks for messages of one queue; there is one for each core.

    What a process works with has left the cores' caches when others have run meanwhile, and to bring it back takes as
    long as several short tasks do: 16 processes that took turns on 2 cores needed twice the processor time for a task.
    So while tasks are short, those that have a permit keep it as long as they keep up, and the others rest.

    Parameters:
        file: what `file_for_permits` has returned. A permit is a few bytes of it: whoever has it has locked them, and
            writes there when he asks for messages.
        threads: how many the process has.
        stage: where its tasks run.
    """

    def __init__(self, file: int | None, queue_name: str, threads: int, stage: Stage) -> None:
        self._file = file
        self._short_ms = SHORT_TASK_MS * threads
        self._stage = stage
        cores = _usable_cores()
        # Should two queues have the same ones, they share them.
        first = crc32(queue_name.encode()) % 0x10000 * cores
        self._offsets = [(first + core) * SIZE for core in range(cores)]
        self._held: int | None = None
        self._short_share = 0.0

    def note_task(self, duration_ms: float) -> None:
        """Tells how long a task of the queue took. Of two threads' that come at once one may be passed over."""
        self._short_share += ((duration_ms < self._short_ms) - self._short_share) / LATELY

    def allows(self) -> bool:
        """Whether this process may ask for messages now; if not, it is to look again after `REST_S`."""
        if self._file is None:
            return True
        if self._short_share < MOSTLY:
            self.release()
            return True
        try:
            return self._holds_one_or_needs_none(self._file)
        except OSError:
            # A task has closed the file, and with that this process has no permit any more.
            self._file = self._held = None
            return True

    @property
    def is_held(self) -> bool:
        """Whether this process has one."""
        return self._held is not None

    def release(self) -> None:
        """Leaves the permit to another process."""
        if self._file is not None and self._held is not None:
            with suppress(OSError):
                fcntl.lockf(self._file, fcntl.LOCK_UN, SIZE, self._held)
            self._held = None

    def _holds_one_or_needs_none(self, file: int) -> bool:
        if self._held is None:
            self._held = self._take(file)
        if self._held is None:
            return self._another_is_silent(file)
        os.pwrite(file, time.monotonic_ns().to_bytes(SIZE), self._held)
        if self._stage.has_run_one_for(LONG_TASK_S):
            # It asks all the same, but the next one that looks for a permit finds this one.
            self.release()
        return True

    def _take(self, file: int) -> int | None:
        for offset in self._offsets:
            try:
                # Unlike those of flock(2) these locks are the process's, though it has the file from its supervisor as
                # the others have; and they end with the process, however that ends.
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, SIZE, offset)
            except BlockingIOError:
                continue
            return offset
        return None

    def _another_is_silent(self, file: int) -> bool:
        asked_ns = [int.from_bytes(os.pread(file, SIZE, offset)) for offset in self._offsets]
        return time.monotonic_ns() - min(asked_ns) > SILENCE_S * 1e9


def file_for_permits(processes: int) -> int | None:
    """The descriptor of a file that so many processes have to share; None where nobody has to rest: there are as many
    cores, or it is not Linux."""
    if sys.platform != "linux" or processes <= _usable_cores():
        return None
    return os.memfd_create("callboard-permits")


def _usable_cores() -> int:
    """How many of the machine's cores this process may run on."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 0
