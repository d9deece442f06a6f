"""The end of a message: acknowledged or dead, with its answer kept and published, in one step on Redis. Its events
until then are sent by the same way, so that they come in order."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import redis

from transport.answers import Answer, Words
from transport.bulletin import Bulletin
from transport.line import Line
from transport.scripts import script

#: The most messages that end in one step; Redis does nothing else meanwhile.
MOST_TOGETHER = 64

NO_SUCCESSOR: Words = ("", "", "", "", "")
_NO_ANSWER = Answer(b"", (), ())


class Ending(NamedTuple):
    """How a message ended, and what follows it."""

    queue_name: str
    redis_message_id: str
    dead: bool
    bulletin: Bulletin | None = None
    answer: Answer | None = None
    #: What is enqueued in its place, as complete.lua reads it.
    successor: Words = NO_SUCCESSOR
    #: A worker has died with it in its hands, which Redis remembers until now.
    was_suspect: bool = False
    #: What is kept of a dead message; by default the message as Redis has it.
    letter: bytes = b""
    #: Called when Redis has it all.
    then: Callable[[], None] | None = None

    @property
    def message_key(self) -> tuple[str, str]:
        """Which message it is of. Not the id alone: a delayed one that is due moves to another queue under the same."""
        return self.queue_name, self.redis_message_id

    def words(self, events: Sequence[bytes]) -> Words:
        """What complete.lua reads of it."""
        fate, suspicion = "dead" if self.dead else "done", "suspect" if self.was_suspect else ""
        answer = (self.answer or _NO_ANSWER).words()
        head: Words = (self.queue_name, self.redis_message_id, fate, len(events), *events)
        return (*head, suspicion, self.letter, *self.successor, *answer)


class News(NamedTuple):
    """Events of a message whose task still runs."""

    queue_name: str
    redis_message_id: str
    bulletin: Bulletin

    def words(self, events: Sequence[bytes]) -> Words:
        """What complete.lua reads of it."""
        return (self.queue_name, self.redis_message_id, "running", len(events), *events)


class Completion:
    """Ends the messages of one worker process; those that end at the same moment it ends together.

    The thread that ends a message sends it. What other threads end during its round trip that thread sends with its
    next one, and they go on with their work.
    """

    def __init__(
        self, client: "redis.Redis", namespace: str, worker_id: str, events_channel: str, fair_backlog: int
    ) -> None:
        self._line = Line(client)
        self._script = script(client, "clock", "turns", "answer", "complete")
        self._namespace = namespace
        self._settings = (worker_id, events_channel, fair_backlog)
        self._pending: deque[Ending | News] = deque()
        self._unsent: set[tuple[str, str]] = set()
        #: How many of them are sent one by one, after Redis has not taken a group.
        self._alone = 0
        self._sending = threading.Lock()

    def complete(self, ending: Ending) -> None:
        """Takes a message off its queue and sends its answer exactly then.

        May be repeated: a message that is gone is not answered again.

        Raises:
            redis.RedisError: this one is not sent. It is not forgotten, like all that is pending: the next call of this
                method or of `announce` sends it.
        """
        if ending.message_key not in self._unsent:
            self._unsent.add(ending.message_key)
            self._pending.append(ending)
        try:
            self._send()
        except redis.RedisError:
            if ending.message_key in self._unsent:
                raise

    def announce(self, news: Iterable[News]) -> None:
        """Sends the events of messages that are still this worker's.

        Raises:
            redis.RedisError: they are sent with the next ones; they may come twice then. To be called again, even with
                nothing: a thread whose message has ended meanwhile relies on this one to send that.
        """
        self._pending.extend(news)
        self._send()

    def _send(self) -> None:
        # Checked again after the lock is released: what came while it was held is this thread's to send, too.
        while self._pending and self._sending.acquire(blocking=False):
            try:
                self._send_pending()
            finally:
                self._sending.release()

    def _send_pending(self) -> None:
        while self._pending:
            size = 1 if self._alone else MOST_TOGETHER
            group = [self._pending.popleft() for _ in range(min(size, len(self._pending)))]
            self._alone = max(0, self._alone - 1)
            # Taken no sooner than here, where one thread is at a time: an event must not overtake an earlier one.
            events = [member.bulletin.take() if member.bulletin else [] for member in group]
            try:
                self._line.call(self._script, self._namespace, *self._settings, *_words(group, events))
            except redis.RedisError:
                self._keep(group, events)
                raise
            for member in group:
                if isinstance(member, Ending):
                    self._unsent.discard(member.message_key)
                    if member.then:
                        member.then()

    def _keep(self, group: list[Ending | News], events: list[list[bytes]]) -> None:
        for member, told in zip(group, events, strict=True):
            if member.bulletin:
                member.bulletin.put_back(told)
        # To the end: what Redis does not take, such as an outcome above its `proto-max-bulk-len`, is not to stop the
        # others. News are still in their bulletins, to be announced again: while Redis is away they would pile up here.
        self._pending.extend(group)
        for _ in range(len(self._pending)):
            member = self._pending.popleft()
            if isinstance(member, Ending):
                self._pending.append(member)
        self._alone = len(self._pending)


def _words(group: list[Ending | News], events: list[list[bytes]]) -> list[str | bytes | int]:
    words: list[str | bytes | int] = []
    for member, told in zip(group, events, strict=True):
        own = member.words(told)
        words.append(len(own))
        words += own
    return words
