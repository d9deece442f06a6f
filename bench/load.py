"""The shapes of load: a burst with many requests outstanding, and single requests one after another."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import quantiles

from bench.driver import Driver, Workload

#: Steps of the golden ratio spread evenly between 0 and 1 and never fall into step with a timer of the system's.
GOLDEN_RATIO = 0.618034


@dataclass(frozen=True)
class Latencies:
    """How long round trips took, from before PUBLISH of the request to after receipt of the outcome, in ms."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


def burst(url: str, requests: int, outstanding: int, workload: Workload | None = None) -> float:
    """Sends so many requests, with at most `outstanding` unanswered; returns how many were answered a second."""
    with Driver(url, workload or Workload()) as driver:
        started_s = time.perf_counter()
        driver.publish(min(outstanding, requests))
        answered = 0
        while answered < requests:
            arrived = driver.collect()
            answered += arrived
            driver.publish(min(arrived, requests - driver.published))
        return requests / (time.perf_counter() - started_s)


def sustain(driver: Driver, count: int) -> int:
    """Publishes one request for every outcome, so that equally many stay outstanding, until `count` outcomes have come.

    Returns how many came; outcomes arrive in groups, so that it may be a few more.
    """
    answered = 0
    while answered < count:
        arrived = driver.collect()
        driver.publish(arrived)
        answered += arrived
    return answered


def round_trips(url: str, count: int, pause_s: float) -> Latencies:
    """Sends `count` requests one after another, the system left idle for `pause_s` on average before each."""
    with Driver(url, Workload()) as driver:
        latencies_ms = [round_trip_ms(driver, each_s) for each_s in pauses_s(pause_s, count)]
    cuts = quantiles(latencies_ms, n=100, method="inclusive")
    return Latencies(cuts[49], cuts[94], cuts[98])


def pauses_s(mean_s: float, count: int) -> Iterator[float]:
    """Pauses from half to one and a half of `mean_s`, evenly, so that they meet a polling system at any moment."""
    for number in range(count):
        yield mean_s * (0.5 + number * GOLDEN_RATIO % 1)


def round_trip_ms(driver: Driver, pause_s: float) -> float:
    """How long one request takes after a pause."""
    time.sleep(pause_s)
    started_s = time.perf_counter()
    driver.publish(1)
    while not driver.collect():
        pass
    return (time.perf_counter() - started_s) * 1000
