"""Tasks for the fault harness, dropped into `actors/` of a copy of the project.

Each notes every run in a file of its process in the folder `tally`, which outlives the process: a line with the number
of the request, of the attempt, and when it began, by the machine's monotonic clock.
"""

import os
import signal
import time
from pathlib import Path

from pydantic import BaseModel

from task import task
from transport.messages import Delivery


class Done(BaseModel):
    number: int


def _note(number: int, tally: str) -> int:
    attempt = Delivery.current().attempt
    with Path(tally, str(os.getpid())).open("a") as file:
        file.write(f"{number} {attempt} {time.monotonic()}\n")
    return attempt


@task()
def works(number: int, tally: str, seconds: float = 0.0, ballast: str = "") -> Done:
    """Takes its time and succeeds; `ballast` makes the request as large as is wanted."""
    _note(number, tally)
    time.sleep(seconds)
    return Done(number=number)


@task()
def works_as_well(number: int, tally: str, seconds: float) -> Done:
    """The same under another name."""
    return works(number, tally, seconds)


@task(max_attempts=4)
def fails_at_first(number: int, tally: str, times: int) -> Done:
    """Succeeds at the attempt after so many, or never."""
    attempt = _note(number, tally)
    if attempt <= times:
        raise RuntimeError(f"attempt {attempt} fails")
    return Done(number=number)


@task()
def kills_its_worker(number: int, tally: str) -> Done:
    """A poison: whoever runs it dies."""
    _note(number, tally)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")
