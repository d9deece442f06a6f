"""The messages that were in the hands of a worker when it died, and how they are begun once more."""

import time
from collections import deque
from collections.abc import Callable, Iterator

from transport.feed import CONDEMNED, Fetched
from transport.in_hand import InHand

#: For so long, at most, a worker asks for nothing else because of one that is to be begun alone: before that, and again
#: after it. What kills a worker mostly does so soon, and others are not to wait for hours behind a long task.
QUIET_S = 10.0


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

    def __init__(self, in_hand: InHand, max_crashes: int, end_condemned: Callable[[str, bytes | None], None]) -> None:
        self._in_hand = in_hand
        self._most_begun_together = 1 if max_crashes > 2 else 0
        self._end_condemned = end_condemned
        self._together: deque[Fetched] = deque()
        self._alone: deque[Fetched] = deque()
        #: When the quiet ends at the latest, for the one that is to be begun alone or was.
        self._quiet_until_s = 0.0

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
            if not self._alone:
                self._quiet_until_s = time.monotonic() + QUIET_S
            self._alone.append(fetched)

    def want_quiet(self) -> bool:
        """Whether nothing else is to be asked for, since one is begun alone."""
        if self._together or not (self._alone or self._has_lone_in_hand()):
            return False
        return time.monotonic() < self._quiet_until_s

    def clear(self) -> None:
        """Forgets all: Redis has them still."""
        self._together.clear()
        self._alone.clear()

    def keep_one(self) -> None:
        """Forgets all but the next one that is to be begun alone."""
        self._together.clear()
        while len(self._alone) > 1:
            self._alone.pop()

    def may_begin(self) -> bool:
        """Whether `take` returns one now."""
        if self._together:
            return not self._has_lone_in_hand()
        if not self._alone or self._in_hand.suspects_begun():
            return False
        return not len(self._in_hand) or time.monotonic() >= self._quiet_until_s

    def take(self) -> Fetched | None:
        """One that may be begun now."""
        if not self.may_begin():
            return None
        if self._together:
            return self._together.popleft()
        self._quiet_until_s = time.monotonic() + QUIET_S
        return self._alone.popleft()

    def _has_lone_in_hand(self) -> bool:
        return any(begun > self._most_begun_together for begun in self._in_hand.suspects_begun())
