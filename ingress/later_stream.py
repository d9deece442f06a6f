"""The stream where a crowd's requests wait while an ingress is behind, and what one had no time for when it stopped."""

from collections.abc import Iterable

from ingress.intake import Received
from ingress.stream import StreamReader
from transport.arrivals import Origin, unpacked

#: The field of an entry that holds them.
FIELD = b"requests"

#: The pause before each burst of a crowd, while other requests have to be sifted. To judge a burst takes 25 ms, in
#: which the thread that sifts gets to run every 5 ms only, Python's switch interval. With a pause of 0.1 s the others
#: waited a third longer.
MEANWHILE_S = 0.25


class LaterStreamReader(StreamReader):
    """Reads the entries that take_in.lua adds, each with a burst of requests."""

    @property
    def count(self) -> int:
        """One: each entry holds many requests."""
        return 1

    def requests_in(self, fields: dict[bytes, bytes]) -> Iterable[bytes]:
        """Those of an entry; where it has none, an empty one, which is refused: so the entry is acknowledged, and does
        not come again and again."""
        return list(unpacked(fields.get(FIELD, b""))) or [b""]

    def take(self, burst: list[Received], origin: Origin) -> None:
        """Takes them in, after a pause while the channel is sifted: Python runs one thread at a time, and most of that
        time is for the one that hears and sifts."""
        if self.intake.is_behind:
            self.stop.pause(MEANWHILE_S)
        self.intake.take(burst, origin)
