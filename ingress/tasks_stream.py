"""The stream for requests that must not get lost."""

from collections.abc import Iterable

import redis

from ingress.crowd import BEHIND, Crowd
from ingress.intake import Intake, Received
from ingress.queue_bound import QueueBound
from ingress.stream import StreamReader
from transport.arrivals import Origin
from transport.connection import StopRequest
from transport.watchdog import Watchdog

#: The field of an entry that holds the request; of an entry with a single field it is that one, whatever its name.
FIELD = b"request"

#: The most entries that are read together, as many as Redis can well take in at once; and about how many bytes of them.
READ = 256
READ_BYTES = 8 * 1024 * 1024

#: The most that are looked through at once; and how often, before a crowd's next entries are read.
LOOKED_THROUGH = 1024
LOOKS = 64


class TasksStreamReader(StreamReader):
    """Reads a request from each entry, in their order; but first what need not wait for those before it.

    While it is behind, it looks through the entries that it has still to read, and takes in what was not sent by a
    crowd; while a queue is full, what is for other queues. The rest waits where it is. Whoever comes to an entry first
    deletes it, see take_in.lua: so it does not matter that other ingresses look, and read, in the same moment.
    """

    def __init__(
        self,
        client: "redis.Redis",
        stream: str,
        intake: Intake,
        stop: StopRequest,
        bound: QueueBound,
        watchdog: Watchdog,
    ) -> None:
        super().__init__(client, stream, intake, stop, bound, watchdog)
        self._crowd = Crowd()
        self._read_without_end = 0
        self._mean_bytes = 1
        #: The entry up to which it has looked, or has read the stream to its end.
        self._looked_to = "0"

    def requests_in(self, fields: dict[bytes, bytes]) -> Iterable[bytes]:
        """The one request of an entry: its field `request`, or the only one that it has."""
        only = next(iter(fields.values()), b"") if len(fields) == 1 else b""
        return (fields.get(FIELD, only),)

    @property
    def count(self) -> int:
        """Fewer when they are large."""
        return self._at_most(READ)

    def take(self, burst: list[Received], origin: Origin) -> None:
        """Takes in what was read. Redis does not say how many entries wait: this reader is behind when it was given as
        many as it asked for several times in a row."""
        self._read_without_end = self._read_without_end + len(burst) if self.has_more else 0
        self._note_size(burst)
        self.intake.take(burst, origin)
        if not self.has_more:
            _, self._looked_to = burst[-1]
        if self._is_behind:
            self._pass_crowd(origin)

    @property
    def _is_behind(self) -> bool:
        return self._read_without_end > BEHIND

    def wait_for_room(self, origin: Origin) -> None:
        """Takes in what is for queues that are not full."""
        if entries := self._look(READ):
            self.intake.take_where_there_is_room(entries, origin)
        else:
            super().wait_for_room(origin)

    def _pass_crowd(self, origin: Origin) -> None:
        for _ in range(LOOKS):
            entries = self._look(LOOKED_THROUGH)
            others = self.intake.others(entries, self._crowd)
            for start in range(0, len(others), READ):
                self.intake.take(others[start : start + READ], origin)
            if not entries or self.stop.received or self.bound.is_any_full():
                break

    def _look(self, count: int) -> list[Received]:
        entries = self.entries_behind(self._looked_to, self._at_most(count))
        if entries:
            self._note_size(entries)
            _, self._looked_to = entries[-1]
        return entries

    def _at_most(self, count: int) -> int:
        return max(1, min(count, READ_BYTES // self._mean_bytes))

    def _note_size(self, entries: list[Received]) -> None:
        self._mean_bytes = 1 + sum(len(data) for data, _ in entries) // len(entries)
