"""The messages that were in the hands of a worker when it died, and how they are begun once more."""

from collections import deque
from collections.abc import Callable, Iterator

from transport.feed import CONDEMNED, Fetched
from transport.in_hand import InHand
from transport.quiet import Quiet


class Suspects:
    """Those of one consumer that wait to be begun once more.

    Most deaths are no message's doing: so what has come back from its first one is begun together, or of many long
    tasks the last ones would wait for minutes. What a second one has interrupted is begun alone, so that the next death
    tells that it has caused it.

    Parameters:
        max_crashes: how often a message may be begun whose worker dies. Where that is 2, the next death condemns it, so
            that each has to be begun alone.
        end_condemned: ends one that was begun too often; is given the redis message id and the message. May be called
            again after a `redis.RedisError`.
    """

    def __init__(
        self,
        in_hand: InHand,
        quiet: Quiet,
        max_crashes: int,
        end_condemned: Callable[[str, bytes | None], None],
    ) -> None:
        self._in_hand = in_hand
        self._quiet = quiet
        self._most_begun_together = 1 if max_crashes > 2 else 0
        self._end_condemned = end_condemned
        self._together: deque[Fetched] = deque()
        self._alone: deque[Fetched] = deque()
        quiet.join(in_hand)

    def __len__(self) -> int:
        return len(self._together) + len(self._alone)

    def __iter__(self) -> Iterator[Fetched]:
        yield from self._together
        yield from self._alone

    def add(self, fetched: Fetched) -> None:
        """Has one wait; or ends it, if it is condemned."""
        if fetched.begun == CONDEMNED:
            self._end_condemned(fetched.redis_message_id, fetched.data)
        elif fetched.begun <= self._most_begun_together:
            self._together.append(fetched)
        else:
            self._alone.append(fetched)

    def want_quiet(self) -> bool:
        """Whether nothing is to be begun now but one message, of this queue or another."""
        return self._quiet.is_on()

    def clear(self) -> None:
        """Forgets all: Redis has them still."""
        self._together.clear()
        self._alone.clear()
        self._quiet.give_up(self._in_hand)

    def keep_one(self) -> bool:
        """Forgets all but the one that it is quiet for, if there is; returns whether there were others."""
        before = len(self)
        self._together.clear()
        while len(self._alone) > self._quiet.is_for(self._in_hand):
            self._alone.pop()
        return len(self) < before

    def seek_turn(self) -> bool:
        """Whether `take` returns one now; asks for quiet, where one is to be begun alone."""
        return bool(self._next_line())

    def take(self) -> Fetched | None:
        """One that is to be begun now; `note_begun` or `note_dropped` is to be called with it."""
        line = self._next_line()
        return line.popleft() if line else None

    def note_begun(self, fetched: Fetched) -> None:
        """Tells that one is in hand now."""
        if fetched.begun > self._most_begun_together:
            self._quiet.begin(self._in_hand, fetched.redis_message_id)

    def note_dropped(self, fetched: Fetched) -> None:
        """Tells that one is not to be begun after all."""
        if fetched.begun > self._most_begun_together:
            self._quiet.give_up(self._in_hand)

    def _next_line(self) -> deque[Fetched] | None:
        # Those first: they need not wait for one another, nor for the others.
        if self._together and not self._quiet.is_on():
            return self._together
        if not self._alone:
            return None
        self._quiet.claim(self._in_hand)
        return self._alone if self._quiet.allows(self._in_hand) else None
