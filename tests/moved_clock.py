"""The clock of a process started by a test, set to another time while it runs. `time.monotonic()` goes on as it is."""

import time
from pathlib import Path

#: What Python imports at its start from the folder in PYTHONPATH.
MOVED_PYTHON = """
import datetime, time
from pathlib import Path

clock, true_time, true_datetime = Path(__file__).with_name("clock"), time.time, datetime.datetime


def offset_s():
    return float(clock.read_text())


class MovedDatetime(true_datetime):
    @classmethod
    def now(cls, tz=None):
        return true_datetime.now(tz) + datetime.timedelta(seconds=offset_s())


time.time = lambda: true_time() + offset_s()
datetime.datetime = MovedDatetime
"""


class MovedClock:
    """Is ahead of the true time by some seconds, for every process with these `variables` in its environment."""

    def __init__(self, folder: Path) -> None:
        (folder / "sitecustomize.py").write_text(MOVED_PYTHON)
        #: Holds the offset with its sign, as libfaketime reads it, too.
        self.file = folder / "clock"
        self.variables = {"PYTHONPATH": str(folder)}
        self.set(0)

    def set(self, offset_s: float) -> float:
        """Sets the clock; returns what it shows then, in seconds since 1970."""
        # In one step: a process may read it at any time.
        new = self.file.with_suffix(".new")
        new.write_text(f"{offset_s:+}")
        new.replace(self.file)
        return time.time() + offset_s
