"""How many messages of a queue a worker process holds at once."""

import time

#: As many as end in this time, so that what it holds is not kept from other workers for long, ...
MOMENT_S = 0.02

#: ... but no more than this: one of 64 fetched together costs half as much as one of 16, one of 128 hardly less than
#: that.
MOST = 128

#: When no message has ended for so long, tasks take long.
STALL_S = 0.1


class Appetite:
    """Grows while messages end fast, since each costs less the more are fetched and ended together. As soon as tasks
    take longer it is hardly more than one for each thread: what waits behind a long task another worker could begin,
    and if this worker dies it is one more that may have been the cause.

    Parameters:
        threads: how many messages may be under way at once.
        prefetch: Dramatiq's own; while no more are held, none is given back unless tasks take long.
    """

    def __init__(self, threads: int, prefetch: int) -> None:
        self.threads = threads
        self.prefetch = prefetch
        self._size = threads
        self._ended = 0
        self._since_s = self._last_end_s = time.monotonic()

    def note_end(self) -> None:
        """Counts a message that has ended. Two threads may count two as one: an estimate is enough."""
        self._ended += 1
        self._last_end_s = time.monotonic()

    def is_exceeded_by(self, held: int) -> bool:
        """Whether so many messages are so much more than `size` that some are to be given back."""
        has_stalled = time.monotonic() - self._last_end_s > STALL_S
        return held > self._size and (held > self.prefetch or has_stalled)

    def size(self) -> int:
        """How many messages it is good to hold now."""
        now_s = time.monotonic()
        if (elapsed_s := now_s - self._since_s) >= MOMENT_S:
            self._size = max(self.threads, min(MOST, self.threads + int(self._ended / elapsed_s * MOMENT_S)))
            self._ended, self._since_s = 0, now_s
        return self._size
