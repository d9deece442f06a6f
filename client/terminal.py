"""Where `make run` prints, for as long as somebody is there to read it."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminal:
    """stdout. Once its pipe or its terminal is gone, everything is to end, as at Ctrl-C, and nothing is printed."""

    def __init__(self) -> None:
        self._process_id = os.getpid()
        # Of a terminal that is closed, and not there on Windows. Without this, only this program would end.
        if hangup := getattr(signal, "SIGHUP", None):
            signal.signal(hangup, self._hang_up)

    def write(self, text: str) -> int:
        """Prints, as `print` has it."""
        with self._unless_gone():
            sys.stdout.write(text)
        return len(text)

    def flush(self) -> None:
        """The same."""
        with self._unless_gone():
            sys.stdout.flush()

    def isatty(self) -> bool:
        """Whether it can show colours."""
        return sys.stdout.isatty()

    @contextmanager
    def _unless_gone(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            # So that what Python has held back by now does not fail again when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            os.kill(self._process_id, signal.SIGTERM)

    def _hang_up(self, number: int, frame: FrameType | None) -> None:
        # honcho's own processes inherit this; they end when their program does.
        if os.getpid() == self._process_id:
            os.kill(self._process_id, signal.SIGTERM)
