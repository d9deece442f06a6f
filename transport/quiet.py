"""A time in which a worker process begins nothing but one message."""

import threading
import time

from transport.in_hand import InHand

#: It lasts no longer than this until the message is begun, and after that. What kills a worker mostly does so soon, and
#: others are not to wait for hours behind a long task.
QUIET_S = 10.0


class Quiet:
    """While it is on, nothing is begun but that message: if the process dies, that is its doing.

    Shared by the consumers of all queues whose messages are performed. Thread-safe.
    """

    def __init__(self) -> None:
        self._hands: set[InHand] = set()
        #: For a message of which queue it is quiet, if it is.
        self._owner: InHand | None = None
        #: That message, once it was begun.
        self._redis_message_id = ""
        self._until_s = 0.0
        self._changing = threading.Lock()

    def join(self, in_hand: InHand) -> None:
        """Has the queue with these messages take part, from its next consumer on."""
        self._hands.add(in_hand)
        self.give_up(in_hand)

    def is_on(self) -> bool:
        """Whether nothing else is to be begun now."""
        if self._owner is None:  # nearly always
            return False
        with self._changing:
            if self._owner is not None and self._redis_message_id and self._redis_message_id not in self._owner:
                self._owner = None
            return self._owner is not None and not self._is_over()

    def claim(self, in_hand: InHand) -> None:
        """Begins a quiet for a message of this queue that is to be begun, unless there is one for another message."""
        with self._changing:
            if self._owner is None or (self._redis_message_id and self._is_over()):
                self._owner, self._redis_message_id = in_hand, ""
                self._until_s = time.monotonic() + QUIET_S

    def is_for(self, in_hand: InHand) -> bool:
        """Whether it is for a message of this queue that is not begun yet."""
        return self._owner is in_hand and not self._redis_message_id

    def allows(self, in_hand: InHand) -> bool:
        """Whether that message may be begun now: nothing else is under way, or that takes too long."""
        return self.is_for(in_hand) and (self._is_over() or not any(map(len, tuple(self._hands))))

    def begin(self, in_hand: InHand, redis_message_id: str) -> None:
        """Tells that the message is begun; it is in hand."""
        with self._changing:
            if self.is_for(in_hand):
                self._redis_message_id = redis_message_id
                self._until_s = time.monotonic() + QUIET_S

    def give_up(self, in_hand: InHand) -> None:
        """Ends the quiet for a message of this queue that is not begun after all."""
        with self._changing:
            if self.is_for(in_hand):
                self._owner = None

    def _is_over(self) -> bool:
        return time.monotonic() >= self._until_s
