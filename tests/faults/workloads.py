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
        parameters = kind["parameters"]
        return kind | {"parameters": parameters | ({"number": number} if parameters else {})}

    return make
