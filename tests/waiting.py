"""Waiting for a condition, with a deadline and a description, instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE_S = 15.0


def wait_until(condition: Callable[[], T], description: str, deadline_s: float = DEADLINE_S) -> T:
    """What `condition` returns once that is true; fails with the description when it never is."""
    deadline = time.monotonic() + deadline_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {deadline_s} s: {description}")
        time.sleep(0.01)
    return value
