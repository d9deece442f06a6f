"""When to look for what was published while nothing was heard."""

import time

from transport.connection import FIRST_PAUSE_S

#: A pause between two looks in vain grows from `FIRST_PAUSE_S` to this.
LONGEST_PAUSE_S = 10.0


class Gap:
    """What may have been missed, from a new subscription until somebody has looked for it and was answered."""

    def __init__(self) -> None:
        self._due_s: float | None = None
        self._pause_s = FIRST_PAUSE_S

    def opens(self) -> None:
        """It is heard again; what was missed before is to be looked for at once."""
        self._due_s = time.monotonic()
        self._pause_s = FIRST_PAUSE_S

    @property
    def is_due(self) -> bool:
        """Whether it is time to look."""
        return self._due_s is not None and time.monotonic() >= self._due_s

    def was_looked_at(self, *, is_answered: bool) -> None:
        """Somebody has looked. Another look is due after a pause, unless that one was answered."""
        self._due_s = None if is_answered else time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
