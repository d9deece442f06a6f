"""The stream that a crowd's requests wait on, while an ingress is behind."""

from collections.abc import Iterable

from ingress.intake import Received
from ingress.stream import StreamReader
from transport.arrivals import Origin, unpacked

#: The field of an entry that holds them.
FIELD = b"requests"

#: How long is waited before each burst of a crowd, while other requests have to be sifted: with less the workers, on a
#: machine of two cores, leave so little to the ingress that others wait twice as long.
MEANWHILE_S = 0.1


class LaterStreamReader(StreamReader):
    """Reads the entries that take_in.lua adds, each with a burst of requests."""

    @property
    def count(self) -> int:
        """How many entries are read at once: each holds many requests."""
        return 1

    def requests_in(self, fields: dict[bytes, bytes]) -> Iterable[bytes]:
        """Those of an entry; where there are none, one that is answered, so that it does not come again and again."""
        return list(unpacked(fields.get(FIELD, b""))) or [b""]

    def take(self, burst: list[Received], origin: Origin) -> None:
        """Python runs one thread at a time: most of it is to go to those who hear and sift."""
        if self.intake.is_behind:
            self.stop.pause(MEANWHILE_S)
        self.intake.take(burst, origin)
