"""Sends many requests, so many at a time, and measures."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from client.async_client import AsyncCaller
from client.errors import NoOutcomeError, TaskError
from client.percentile import percentile


@dataclass(frozen=True)
class Load:
    """What is sent."""

    task_type: str
    parameters: dict[str, Any]
    count: int
    outstanding: int
    timeout_s: float


@dataclass(frozen=True)
class Measured:
    """How it went. Times are from sending a request to hearing its outcome, be it an error; `errors` counts these by
    code, with those that were not heard of in time as `no_outcome`."""

    requests: int
    outstanding: int
    seconds: float
    per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    errors: dict[str, int]


async def measure(callboard: AsyncCaller, load: Load, on_end: Callable[[], object]) -> Measured:
    """Sends the load; `on_end` is called with each request's end.

    Raises:
        CallboardError: when a request could not be sent.
    """
    times_ms: list[float] = []
    errors: Counter[str] = Counter()

    async def send_in_turn(numbers: Iterator[int]) -> None:
        for _ in numbers:
            started_s = time.perf_counter()
            try:
                await callboard.call(load.task_type, **load.parameters)
            except TaskError as error:
                errors[error.code] += 1
            except NoOutcomeError:
                errors["no_outcome"] += 1
            times_ms.append((time.perf_counter() - started_s) * 1000)
            on_end()

    # One iterator for all: whoever is free takes the next.
    numbers = iter(range(load.count))
    started_s = time.perf_counter()
    try:
        async with asyncio.TaskGroup() as senders:
            for _ in range(min(load.outstanding, load.count)):
                senders.create_task(send_in_turn(numbers))
    except ExceptionGroup as failures:
        # They mostly fail for one reason.
        raise failures.exceptions[0] from None
    seconds = time.perf_counter() - started_s
    times_ms.sort()
    return Measured(
        requests=load.count,
        outstanding=load.outstanding,
        seconds=seconds,
        per_s=load.count / seconds,
        p50_ms=percentile(times_ms, 50),
        p95_ms=percentile(times_ms, 95),
        p99_ms=percentile(times_ms, 99),
        max_ms=times_ms[-1],
        errors=dict(errors),
    )
