"""A point at which something goes wrong: a command on its way to Redis and back, and a moment on that way."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

#: How long an answer is held back that is lost late: others have long acted on what its command did by then.
LATE_S = 0.5


class Moment(StrEnum):
    """When, in the life of a command, it happens."""

    BEFORE = "before it reaches Redis"
    INSIDE = "with half of it sent"
    AFTER = "before its answer"
    LATE = "long before its answer"
    IN_ANSWER = "with half of its answer received"


#: The moments that the sender of the command decides, and those that the answer does.
IN_QUESTION = (Moment.BEFORE, Moment.INSIDE)
WITH_ANSWER = (Moment.AFTER, Moment.LATE, Moment.IN_ANSWER)


@dataclass
class Fault:
    """What happens once, at the `nth` command of this name from when it is armed.

    Parameters:
        strike: called in the proxy's thread while everything that goes through it stands still.
        cuts: whether the connection is cut then, or goes on.
    """

    command: str
    moment: Moment
    nth: int = 1
    strike: Callable[[], None] = lambda: None
    cuts: bool = True
    fired: threading.Event = field(default_factory=threading.Event)

    @property
    def has_come(self) -> bool:
        """Whether its command has come: so it has happened, or will in a moment, on however busy a machine."""
        return self.nth < 1

    def is_due(self, command: str, moments: tuple[Moment, ...]) -> bool:
        """Whether this command is the one; each that could be is counted."""
        if self.command != command or self.moment not in moments or self.nth < 1:
            return False
        self.nth -= 1
        return self.nth == 0
