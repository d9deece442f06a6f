"""What a load asks for: the request with a given number, everything but its user."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

Workload = Callable[[int], dict[str, Any]]


def works(tally: Path, seconds: float = 0.0, ballast_bytes: int = 0) -> Workload:
    """Requests that succeed after a while."""
    parameters = {"tally": str(tally), "seconds": seconds, "ballast": "x" * ballast_bytes}
    return lambda number: {"task_type": "works", "parameters": parameters | {"number": number}}


def mixed(tally: Path) -> Workload:
    """Requests of every kind there is, in turn: they succeed, wait, fail at first, fail for good, and are refused."""
    common = {"tally": str(tally)}
    kinds: list[dict[str, Any]] = [
        {"task_type": "works", "parameters": common},
        {"task_type": "works", "parameters": common},
        {"task_type": "works", "parameters": common, "delay_ms": 50},
        {"task_type": "fails_at_first", "parameters": common | {"times": 1}},
        {"task_type": "fails_at_first", "parameters": common | {"times": 9}},
        {"task_type": "works", "parameters": {}},
        {"task_type": "nobody_knows_it", "parameters": {}},
    ]

    def make(number: int) -> dict[str, Any]:
        kind = kinds[number % len(kinds)]
        if parameters := kind["parameters"]:
            return kind | {"parameters": parameters | {"number": number}}
        # Named, so that the refusal is kept: where Redis dies, what it has published and not sent yet dies with it.
        return kind | {"request_id": f"refused-{number}"}

    return make


def delayed(tally: Path) -> Workload:
    """Requests that are on the delay queue for a second or two: not due yet, or between two attempts."""
    kinds: list[dict[str, Any]] = [
        {"task_type": "works", "parameters": {"tally": str(tally)}, "delay_ms": 1_500},
        {"task_type": "fails_at_first", "parameters": {"tally": str(tally), "times": 2}},
    ]

    def make(number: int) -> dict[str, Any]:
        kind = kinds[number % len(kinds)]
        return kind | {"parameters": kind["parameters"] | {"number": number}}

    return make


def poisoned(every: int) -> Callable[[Path], Workload]:
    """Requests of which one in so many kills its worker, from the first on."""

    def with_tally(tally: Path) -> Workload:
        def make(number: int) -> dict[str, Any]:
            task_type = "works" if number % every else "kills_its_worker"
            return {"task_type": task_type, "parameters": {"tally": str(tally), "number": number}}

        return make

    return with_tally


def named(tally: Path) -> Workload:
    """Requests with a `request_id`, which two users share each time."""

    def make(number: int) -> dict[str, Any]:
        parameters = {"tally": str(tally), "number": number}
        return {"task_type": "works", "parameters": parameters, "request_id": f"{tally.name}-{number // 2}"}

    return make
