"""Tasks for the tests, dropped into `actors/` of a copy of the project: this file is all that each of them needs."""

import asyncio
import time
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from dramatiq.middleware import Shutdown
from pydantic import BaseModel
from typing_extensions import TypedDict

from task import Cancelled, InvalidParametersError, progress, task


class Note(BaseModel):
    text: str


class Day(TypedDict):
    weekday: int


class Spot(BaseModel):
    x: int
    note: str = ""


@task()
def always_fails() -> Note:
    raise RuntimeError("this never works")


@task(max_attempts=4)
def fails_until(attempt: int, tally: str) -> Note:
    """Appends a line to the file `tally` at every attempt, and succeeds at the given one."""
    with Path(tally).open("a") as file:
        file.write("attempt\n")
    attempts = Path(tally).read_text().count("attempt")
    if attempts < attempt:
        raise RuntimeError(f"attempt {attempts} of {attempt}")
    return Note(text=f"attempt {attempts}")


@task()
def finds_fault() -> Note:
    raise InvalidParametersError("there is no such order")


@task(time_limit_ms=200)
def never_ends() -> Note:
    while True:
        time.sleep(0.01)


@task(time_limit_ms=200)
async def never_ends_async() -> Note:
    await asyncio.sleep(3600)
    raise AssertionError("unreachable")


@task(time_limit_ms=200)
async def tidies_up_at_length(until: str) -> Note:
    """Runs past its limit, and goes on to tidy up until somebody makes the file."""
    try:
        await asyncio.sleep(3600)
    finally:
        await _made(Path(until))
    raise AssertionError("unreachable")


@task()
async def waits(seconds: float) -> Note:
    """An async task, in an event loop."""
    await asyncio.sleep(seconds)
    return Note(text="waited")


@task()
def weekday(day: date) -> Day:
    """A parameter that arrives as a string and is a date here; a TypedDict as the result."""
    return {"weekday": day.isoweekday()}


@task()
def repeats(
    *,
    label: str | None = None,
    title: str = "untitled",
    sure: bool | None = None,
    ready: bool | None = True,
    mixed: int | str = 0,
    colour: Literal["red", "blue"] = "red",
    steps: list[int] | None = None,
    spot: Spot | None = None,
) -> dict[str, Any]:
    """Answers with what it was given, of every kind that a client has to tell from others."""
    return locals()


@task()
def breaks_its_word() -> Note:
    return {"no_text": 1}  # type: ignore[return-value]


@task()
def measures_nothing() -> dict[str, float]:
    return {"ratio": float("nan")}


@task()
def reads_a_strange_name() -> dict[str, str]:
    """What os.fsdecode makes of a file name that is not UTF-8."""
    return {"name": "\udcff"}


@task()
def raises_unprintable() -> Note:
    class Unprintable(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise ValueError("not even this")

    raise Unprintable


@task()
def sleeps(seconds: float, started: str) -> Note:
    """Says in the file `started` that it runs, then works for a while."""
    Path(started).touch()
    time.sleep(seconds)
    return Note(text="slept")


@task()
def is_slow_at_first(started: str) -> Note:
    """Says in the file `started` that it runs; the first run takes longer than anybody waits, the next one no time."""
    return _wait_at_first(Path(started))


@task()
async def blocks_its_loop_at_first(started: str) -> Note:
    """The same with a mistake: an async task that blocks the event loop of all."""
    return _wait_at_first(Path(started))


@task(notify_shutdown=True)
def goes_elsewhere(started: str) -> Note:
    """The same, but it is told when its worker stops, and ends with that."""
    return _wait_at_first(Path(started))


@task(notify_shutdown=True)
async def goes_elsewhere_slowly(started: str) -> Note:
    """The same, but it tidies up for longer than its worker waits."""
    if Path(started).exists():
        return Note(text="done")
    Path(started).touch()
    try:
        await asyncio.sleep(3600)
    finally:
        await _made(Path(f"{started}.tidied"))
    raise AssertionError("unreachable")


@task(notify_shutdown=True)
def comes_to_an_end(started: str) -> Note:
    """Answers when its worker stops."""
    try:
        return _wait_at_first(Path(started))
    except Shutdown:
        return Note(text="what there was by then")


def _wait_at_first(started: Path) -> Note:
    if started.exists():
        return Note(text="done")
    started.touch()
    while True:
        time.sleep(0.01)


async def _made(file: Path) -> None:
    while not file.exists():
        await asyncio.sleep(0.01)


@task()
def counts_quickly(steps: int) -> Note:
    for step in range(1, steps + 1):
        progress(step, steps, f"step {step}")
    return Note(text="counted")


@task()
async def counts_quickly_async(steps: int) -> Note:
    for step in range(1, steps + 1):
        progress(step, steps, f"step {step}")
        if step % 1000 == 0:
            await asyncio.sleep(0)
    return Note(text="counted")


@task()
def counts_in_odd_numbers() -> Note:
    progress(Fraction(1, 2), Decimal("1.5"))  # type: ignore[arg-type]
    return Note(text="counted")


@task()
def waits_for(file: str) -> Note:
    """Until somebody makes the file."""
    while not Path(file).exists():
        time.sleep(0.01)
    return Note(text="there it is")


@task()
def works_on(left: str) -> Note:
    """Without end; leaves a file behind when it is interrupted."""
    try:
        while True:
            time.sleep(0.01)
    except Cancelled:
        Path(left).touch()
        raise


@task()
async def works_on_async(left: str) -> Note:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        Path(left).touch()
        raise
    raise AssertionError("unreachable")
