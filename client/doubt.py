"""Until when a client doubts that it hears its outcomes where it listens."""

from collections.abc import Iterator
from typing import Any

from client.desk import Desk
from client.gap import LONGEST_PAUSE_S, Gap
from client.place import Place

#: A request whose `reply_to` an ingress does not allow is refused at once, but where the client does not hear it. So it
#: looks after this long at what is kept, and then less and less often.
REFUSED_AFTER_S = 1.0


class Doubt:
    """Ends with the first outcome that is heard: one that was only not taken in yet has left nothing to be found."""

    def __init__(self, place: Place, desk: Desk[Any]) -> None:
        self._place = place
        self._desk = desk
        self._gap = Gap()
        self._gap.opens()

    @property
    def is_there(self) -> bool:
        """Whether one should look. Not where this Redis user may not."""
        return self._place.reply_to is not None and not self._desk.has_heard and self._desk.may_look

    def pauses(self) -> Iterator[float]:
        """How long to wait before each look, while there is doubt, in seconds."""
        pause_s = REFUSED_AFTER_S
        while self.is_there:
            yield pause_s
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def is_due(self) -> bool:
        """Whether whoever asks should look now, for all who wait: a thousand of them are not to look a thousand times,
        and where looks are in vain there are fewer."""
        if not (self.is_there and self._gap.is_due):
            return False
        self._gap.was_looked_at(is_answered=False)
        return True

    def was_right(self) -> None:
        """A look has found something: others may have been refused since."""
        self._gap.opens()
