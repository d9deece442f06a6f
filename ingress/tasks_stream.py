"""The stream for requests that must not get lost."""

from collections.abc import Callable, Iterable

import redis

from ingress.crowd import BEHIND, BEHIND_BYTES, Crowd
from ingress.intake import Intake, Received
from ingress.queue_bound import QueueBound
from ingress.stream import StreamReader, fields_of
from transport.arrivals import Origin
from transport.connection import StopRequest
from transport.line import Line
from transport.watchdog import Watchdog

#: The field of an entry that holds the request; of an entry with a single field it is that one, whatever its name.
FIELD = b"request"

#: The most entries that are read together, as many as Redis can well take in at once; and about how many bytes of them.
READ = 256
READ_BYTES = 8 * 1024 * 1024

#: About how many bytes of what was looked through before are looked through once more, as long as a queue is full.
SECOND_LOOK_BYTES = 1024 * 1024

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
        self._read_size = _Size(READ_BYTES)
        self._read_without_end = 0
        self._bytes_without_end = 0
        # Another one, since on the first nothing can be asked while it waits for new entries.
        self._look_line = Line(client)
        self._look = _Look(self.entries_behind, READ_BYTES)
        self._second_look = _Look(self.entries_behind, SECOND_LOOK_BYTES)

    def requests_in(self, fields: dict[bytes, bytes]) -> Iterable[bytes]:
        """The one request of an entry: its field `request`, or the only one that it has."""
        only = next(iter(fields.values()), b"") if len(fields) == 1 else b""
        return (fields.get(FIELD, only),)

    @property
    def count(self) -> int:
        """Fewer when they are large."""
        return self._read_size.at_most(READ)

    def take(self, burst: list[Received], origin: Origin) -> None:
        """Takes in what was read. Redis does not say how many entries wait: this reader is behind when it was given as
        many as it asked for several times in a row."""
        size_bytes = self._read_size.note(burst)
        if self.has_more:
            self._read_without_end += len(burst)
            self._bytes_without_end += size_bytes
        else:
            self._read_without_end = self._bytes_without_end = 0
            self._look.restart()
        self.intake.take(burst, origin)
        if self._read_without_end > BEHIND or self._bytes_without_end > BEHIND_BYTES:
            self._pass_crowd(origin)

    def wait_for_room(self, origin: Origin) -> None:
        """Takes in what is for queues that are not full. What was for one that was full then, or was read by an ingress
        that has died, is looked for again, slowly: it may be far behind what waits."""
        if entries := self._look.next(READ):
            self.intake.take_where_there_is_room(entries, origin)
            return
        if entries := self._second_look.next(READ):
            self.intake.take_where_there_is_room(entries, origin)
        else:
            self._second_look.restart()
        super().wait_for_room(origin)

    def hang_up(self) -> None:
        """Ends the connections; the next question or look opens them again."""
        super().hang_up()
        self._look_line.close()

    def entries_behind(self, entry_id: str, count: int) -> list[Received]:
        """The next ones that are not taken in, be they read or not."""
        # With that one, where it is still there: behind the highest id that there is Redis refuses to look.
        self._look_line.send(("XRANGE", self.stream, entry_id, "+", "COUNT", count + 1))
        entries = [
            (found, fields_of(pairs)) for found, pairs in self._look_line.receive() if found != entry_id.encode()
        ]
        return self.received(entries[:count])

    def _pass_crowd(self, origin: Origin) -> None:
        for _ in range(LOOKS):
            if self.stop.received or self.bound.is_any_full():
                break
            entries = self._look.next(LOOKED_THROUGH)
            if not entries:
                break
            others = self.intake.others(entries, self._crowd)
            for start in range(0, len(others), READ):
                self.intake.take(others[start : start + READ], origin)
                self.watchdog.turned(self.loop)


class _Size:
    """How many entries are about so many bytes, by the size of the latest."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._mean_bytes = 1

    def note(self, entries: list[Received]) -> int:
        """Learns of these, and returns how many bytes they have."""
        size_bytes = sum(len(data) for data, _ in entries)
        self._mean_bytes = 1 + size_bytes // len(entries)
        return size_bytes

    def at_most(self, count: int) -> int:
        """How many to ask for, one at least."""
        return max(1, min(count, self._most_bytes // self._mean_bytes))


class _Look:
    """Goes through the stream to its end, whatever is read or added meanwhile."""

    def __init__(self, entries_behind: Callable[[str, int], list[Received]], most_bytes: int) -> None:
        self._entries_behind = entries_behind
        # Of its own: what is looked at may be small while what is read is large.
        self._size = _Size(most_bytes)
        self.restart()

    def restart(self) -> None:
        """The next ones are the oldest that there are."""
        self._seen_to = "0-0"

    def next(self, count: int) -> list[Received]:
        """The next ones, or none at the end."""
        entries = self._entries_behind(self._seen_to, self._size.at_most(count))
        if entries:
            self._size.note(entries)
            _, self._seen_to = entries[-1]
        return entries
