"""The end of a message: acknowledged or dead, and its answer kept and published, in one step on Redis."""

import threading
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import redis

from transport.answers import Answer, Words
from transport.line import Line
from transport.messages import Envelope
from transport.scripts import script

#: The most messages that end in one step; Redis does nothing else meanwhile.
GROUP = 64

_NO_ANSWER = Answer(b"", (), ())


class Ending(NamedTuple):
    """How a message ended, and what follows it."""

    queue_name: str
    redis_message_id: str
    dead: bool
    answer: Answer | None = None
    successor: Envelope | None = None
    #: A worker has died with it in its hands, which is remembered until now.
    was_suspect: bool = False
    #: What is kept of a dead message; by default what Redis has of it.
    letter: bytes = b""
    #: Called when Redis has it all.
    then: Callable[[], None] | None = None

    def words(self) -> Words:
        """What complete.lua reads of it."""
        fate, suspicion = "dead" if self.dead else "", "suspect" if self.was_suspect else ""
        successor = self.successor.arguments() if self.successor else ("", "", "")
        answer = (self.answer or _NO_ANSWER).words()
        return (self.queue_name, self.redis_message_id, fate, suspicion, self.letter, *successor, *answer)


class Completion:
    """Ends the messages of one worker process, those together that end at the same moment.

    The thread that ends a message sends it; what other threads end while its round trip lasts is sent by the same
    thread with its next one, and they go on with their work.
    """

    def __init__(self, client: "redis.Redis", namespace: str, worker_id: str) -> None:
        self._line = Line(client)
        self._script = script(client, "complete")
        self._namespace = namespace
        self._worker_id = worker_id
        self._pending: deque[Ending] = deque()
        self._sending = threading.Lock()

    def complete(self, ending: Ending) -> None:
        """Takes a message off its queue and sends its answer exactly then.

        May be repeated: a message that is gone is not answered again.

        Raises:
            redis.RedisError: nothing of what is pending is forgotten; the next call sends it.
        """
        self._pending.append(ending)
        # Looked at again after the lock is free: what came while it was held is this thread's to send, too.
        while self._pending and self._sending.acquire(blocking=False):
            try:
                self._send_pending()
            finally:
                self._sending.release()

    def _send_pending(self) -> None:
        while self._pending:
            group = [self._pending.popleft() for _ in range(min(GROUP, len(self._pending)))]
            words = [word for ending in group for word in ending.words()]
            try:
                self._line.call(self._script, self._namespace, self._worker_id, *words)
            except redis.RedisError:
                self._pending.extendleft(reversed(group))
                raise
            for ending in group:
                if ending.then:
                    ending.then()
