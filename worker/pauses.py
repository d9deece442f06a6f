"""How soon a worker process that died is replaced."""

#: A process that has consumed for so long has shown that it can.
USEFUL_LIFE_S = 3.0

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 10.0


class Pauses:
    """No pause after a life that was long enough, longer and longer ones while lives are short."""

    def __init__(self) -> None:
        self._short_lives = 0

    def after(self, life_s: float) -> float:
        """For how many seconds to wait before the next process starts; the last one consumed for `life_s`."""
        self._short_lives = 0 if life_s >= USEFUL_LIFE_S else self._short_lives + 1
        # A single short life need not be a process that cannot work: somebody may have killed it.
        if self._short_lives <= 1:
            return 0.0
        return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (self._short_lives - 2))
