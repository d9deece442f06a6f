"""Whether the loops of a process still come round: it may be there with all its threads, and yet do nothing."""

import math
import time
from collections.abc import Iterator
from typing import NamedTuple


class _Refusal(NamedTuple):
    moment_s: float
    text: str


NEVER = _Refusal(-math.inf, "")


class Watchdog:
    """When each loop has last come round with an answer from Redis. Thread-safe."""

    def __init__(self) -> None:
        self._expected_s: dict[str, float] = {}
        self._turned_s: dict[str, float] = {}
        self._refusals: dict[str, _Refusal] = {}
        self._refusal_of_any = NEVER

    def expect(self, loop: str) -> None:
        """From now on this loop should come round again and again."""
        self._expected_s.setdefault(loop, time.monotonic())

    def turned(self, loop: str) -> None:
        """This loop has come round."""
        self._turned_s[loop] = time.monotonic()

    def failed(self, loop: str, error: BaseException) -> None:
        """This loop could not come round, since Redis did not let it, and tries again; why is told where it stalls."""
        self._refusals[loop] = _refusal(error)

    def refused(self, error: BaseException) -> None:
        """The same of a loop that is not known by name."""
        self._refusal_of_any = _refusal(error)

    def missing(self) -> list[str]:
        """The loops that have never come round."""
        return [loop for loop in list(self._expected_s) if loop not in self._turned_s]

    def stalled(self, patience_s: float) -> list[str]:
        """A sentence for each loop that has not come round for so long."""
        return [self._sentence(loop, silent_s) for loop, silent_s in self._silent(patience_s)]

    def stuck(self, patience_s: float) -> list[str]:
        """The same of those that do not try, either: Redis has refused them nothing in that time."""
        since_s = time.monotonic() - patience_s
        silent = self._silent(patience_s)
        return [self._sentence(loop, silent_s) for loop, silent_s in silent if self._last(loop).moment_s < since_s]

    def _silent(self, patience_s: float) -> Iterator[tuple[str, float]]:
        now_s = time.monotonic()
        for loop, expected_s in list(self._expected_s.items()):
            silent_s = now_s - self._turned_s.get(loop, expected_s)
            if silent_s > patience_s:
                yield loop, silent_s

    def _sentence(self, loop: str, silent_s: float) -> str:
        error = self._last(loop).text
        return f"{loop}: nothing for {silent_s:.0f} s{f'; last error: {error}' if error else ''}"

    def _last(self, loop: str) -> _Refusal:
        return max(self._refusals.get(loop, NEVER), self._refusal_of_any)


def _refusal(error: BaseException) -> _Refusal:
    return _Refusal(time.monotonic(), f"{time.strftime('%H:%M:%S')} {error}")
