"""Whether the loops of a process still come round: it may be there with all its threads, and yet do nothing."""

import time


class Watchdog:
    """When each loop has last come round with an answer from Redis. Thread-safe."""

    def __init__(self) -> None:
        self._expected_s: dict[str, float] = {}
        self._turned_s: dict[str, float] = {}
        self._errors: dict[str, str] = {}

    def expect(self, loop: str) -> None:
        """From now on this loop should come round again and again."""
        self._expected_s.setdefault(loop, time.monotonic())

    def turned(self, loop: str) -> None:
        """This loop has come round."""
        self._turned_s[loop] = time.monotonic()

    def failed(self, loop: str, error: Exception) -> None:
        """This loop could not come round, and tries again; the error is told if it stalls."""
        self._errors[loop] = f"{time.strftime('%H:%M:%S')} {error}"

    def missing(self) -> list[str]:
        """The loops that have never come round."""
        return [loop for loop in list(self._expected_s) if loop not in self._turned_s]

    def stalled(self, patience_s: float) -> list[str]:
        """A sentence for each loop that has not come round for so long."""
        now_s = time.monotonic()
        sentences = []
        for loop, expected_s in list(self._expected_s.items()):
            silent_s = now_s - self._turned_s.get(loop, expected_s)
            if silent_s > patience_s:
                last_error = f"; its last error: {self._errors[loop]}" if loop in self._errors else ""
                sentences.append(f"{loop}: nothing for {silent_s:.0f} s{last_error}")
        return sentences
