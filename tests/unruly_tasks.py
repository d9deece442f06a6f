"""Tasks that do what no task should, dropped into `actors/` of a copy of the project."""

import asyncio
import ctypes
import itertools
import multiprocessing
import os
import sys
import threading
import time
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from dramatiq.errors import Retry
from dramatiq.middleware import Shutdown, SkipMessage, raise_thread_exception
from pydantic import BaseModel, Field, model_serializer

from task import task

#: One call after another ends a little later.
_moments = itertools.count()


@task(time_limit_ms=200, max_attempts=1)
def fails_at_its_limit() -> dict[str, Any]:
    """Like a call of another service whose timeout is that of the task."""
    time.sleep(0.2 + next(_moments) % 100 / 1000)
    raise ConnectionError("the other service did not answer")


@task()
def puts_things_into_its_parameter(order: Any) -> dict[str, Any]:
    """Fails, and finds its parameter each time as it came."""
    assert order == {}
    order["thing"] = object()
    raise LookupError("it is not in stock")


@task(max_attempts=1)
def ends_who_prints_its_error() -> dict[str, Any]:
    class Odd(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise SystemExit("not even this")

    raise Odd


@task()
def skips() -> dict[str, Any]:
    raise SkipMessage("not today")


@task()
def wants_another_attempt() -> dict[str, Any]:
    raise Retry(delay=10)


class Listed(BaseModel):
    @model_serializer
    def as_list(self) -> dict[str, Any]:
        return [1]  # type: ignore[return-value]


@task()
def returns_a_list() -> Listed:
    """It breaks the word that its annotation gives, where pydantic does not look."""
    return Listed()


@task()
def returns_much(characters: int) -> dict[str, str]:
    return {"text": "x" * characters}


@task()
def ends_its_thread() -> dict[str, Any]:
    """Soon after it has returned."""
    timer = threading.Timer(0.1, raise_thread_exception, [threading.get_ident(), SystemExit])
    timer.start()
    return {}


@task(max_attempts=1)
def holds_pythons_lock(until: str) -> dict[str, Any]:
    """Like a long call of an extension that does not release it, until there is a file."""
    library, interval_s = ctypes.PyDLL(None), sys.getswitchinterval()
    sys.setswitchinterval(1_000)
    while library.access(until.encode(), 0):
        library.usleep(1_000)
    sys.setswitchinterval(interval_s)
    return {}


@task(max_attempts=1)
async def wants_to_exit() -> dict[str, Any]:
    sys.exit(3)


@task()
async def waits_in_the_loop(file: str) -> dict[str, Any]:
    while not Path(file).exists():
        await asyncio.sleep(0.01)
    return {}


@task(max_attempts=2, min_backoff_ms=10)
def raises_shutdown() -> dict[str, Any]:
    raise Shutdown


@task()
def forks(fate: Literal["return", "raise", "exit"]) -> dict[str, Any]:
    """Its child comes out of the task, too."""
    if child := os.fork():
        return {"exit_code": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}
    if fate == "raise":
        raise LookupError("in the child")
    if fate == "exit":
        sys.exit(3)
    return {}


@task()
def returns_an_integer(digits: int) -> dict[str, int]:
    return {"integer": 10 ** (digits - 1)}


@task(max_attempts=1)
def ends_its_child() -> dict[str, Any]:
    """As a `multiprocessing.Pool` does with its own, at once."""
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=[600])
    child.start()
    child.terminate()
    child.join()
    return {"exit_code": child.exitcode}


@task()
def has_names_that_others_have(function: str) -> dict[str, Any]:
    return {"function": function}


@task()
def wants_a_date(day: Annotated[date, Field(strict=True)]) -> dict[str, Any]:
    return {"year": day.year}


@task()
def returns_something_deep(levels: int) -> dict[str, Any]:
    nested: list[Any] = []
    for _ in range(levels):
        nested = [nested]
    return {"nested": nested}


@task()
def has_a_default_that_json_has_no_word_for(path: Annotated[Path, Field()] = Path("/a")) -> dict[str, str]:
    return {"path": str(path)}


@task()
async def has_a_child_that_exits() -> dict[str, Any]:
    await asyncio.gather(asyncio.to_thread(time.sleep, 0), _exit())
    return {}


async def _exit() -> None:
    await asyncio.sleep(0)
    sys.exit(3)


class Options(BaseModel):
    a: int = 1


@task()
def has_defaults_to_be_converted(options: Options = {"a": 2}) -> dict[str, Any]:  # type: ignore[assignment]  # noqa: B006
    return {"a": options.a}
