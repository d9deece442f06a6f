"""The frames of Redis's protocol (RESP2), whole and as they were sent, and the names of the commands among them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

#: What a message on a subscribed connection begins with: no command was its question.
PUSH = b"*3\r\n$7\r\nmessage\r\n"

#: The scripts of the product by their SHA, since EVALSHA says no more than that.
SCRIPTS = {
    hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest().encode(): path.stem
    for path in (Path(__file__).parents[2] / "transport").glob("*.lua")
}


class Frames:
    """Cuts a stream of bytes into commands or replies."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The frames that are complete with `data`."""
        self._buffer += data
        start = 0
        try:
            while start < len(self._buffer):
                end = _end(self._buffer, start)
                yield self._buffer[start:end]
                start = end
        except _IncompleteError:
            pass
        finally:
            self._buffer = self._buffer[start:]


def command_name(frame: bytes) -> str:
    """`PUBLISH`, or `EVALSHA complete` with the name of the script."""
    words = frame.split(b"\r\n", 5)[2::2]
    name = words[0].decode().upper()
    if name in ("EVALSHA", "SCRIPT", "CLIENT", "CONFIG"):
        second = words[1].split(b"\r\n")[0]
        name += f" {SCRIPTS.get(second, second.decode())}"
    return name


class _IncompleteError(Exception):
    pass


def _end(buffer: bytes, start: int) -> int:
    """Where the frame that begins at `start` ends."""
    line_end = buffer.find(b"\r\n", start)
    if line_end < 0:
        raise _IncompleteError
    kind, end = buffer[start : start + 1], line_end + 2
    if kind in (b"+", b"-", b":"):
        return end
    length = int(buffer[start + 1 : line_end])
    if kind == b"*":
        for _ in range(length):
            end = _end(buffer, end)
        return end
    if length >= 0:
        end += length + 2
    if end > len(buffer):
        raise _IncompleteError
    return end
