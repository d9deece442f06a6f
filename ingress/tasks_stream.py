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

#: The most entries that are read together: as many as Redis can well take in at once, or more when most of them are
#: only laid aside; and about how many bytes of them.
READ = 256
SIFTED = 4 * READ
READ_BYTES = 8 * 1024 * 1024


class TasksStreamReader(StreamReader):
    """Reads a request from each entry, and sifts them while it is behind."""

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

    def requests_in(self, fields: dict[bytes, bytes]) -> Iterable[bytes]:
        """The one request of an entry: its field `request`, or the only one that it has."""
        only = next(iter(fields.values()), b"") if len(fields) == 1 else b""
        return (fields.get(FIELD, only),)

    @property
    def count(self) -> int:
        """More while this reader is behind, so that it catches up; fewer when they are large."""
        most = SIFTED if self._is_behind else READ
        return max(1, min(most, READ_BYTES // self._mean_bytes))

    @property
    def _is_behind(self) -> bool:
        return self._read_without_end > BEHIND

    def take(self, burst: list[Received], origin: Origin) -> None:
        """Takes in what was read, or sifts it while this reader is behind. Redis does not say how many entries wait: it
        is behind when it was given as many as it asked for several times in a row."""
        was_behind = self._is_behind
        self._read_without_end = self._read_without_end + len(burst) if self.has_more else 0
        self._mean_bytes = 1 + sum(len(data) for data, _ in burst) // len(burst)
        if was_behind or self._is_behind:
            self.intake.sift(burst, origin, self._crowd)
        else:
            self.intake.take(burst, origin)
