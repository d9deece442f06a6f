"""The curves of "cost stays flat": what a task costs Callboard as one thing grows and everything else stays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from bench.backlog import cpu_s_with_backlog
from bench.driver import Workload
from bench.load import burst
from bench.many_tasks import callboard_with
from bench.processes import running
from bench.systems import System, callboard
from client.redis_server import RedisServer

OUTSTANDING = 500
TYPES = (2, 20, 100, 500)
PROCESSES = (1, 2, 4, 8, 16)
TEXT_BYTES = (100, 300, 1_000, 3_000, 10_000)

#: How often the memory is looked at, after the start.
MEMORY_SAMPLES = 20


@dataclass(frozen=True)
class Extent:
    """How far to go. Each point is the median of `runs` runs with `requests` measured requests; `waiting` are the
    lengths of the backlog, and memory is measured over `memory_requests` requests."""

    runs: int
    requests: int
    waiting: tuple[int, ...]
    memory_requests: int


@dataclass(frozen=True)
class Curve:
    """A figure as one thing grows: for each series, the figure at each value of `x`. Not all are meant to be `flat`."""

    x: str
    figure: str
    xs: Sequence[float]
    series: Mapping[str, Sequence[float]]
    flat: bool = True


def by_backlog(extent: Extent) -> list[Curve]:
    """CPU per task over the number of messages waiting."""
    system = callboard()
    # By default 1,000,000 are the most that a queue takes, and a few more have to wait there.
    room = {"limits": {"queue_length": 2 * max(extent.waiting)}}
    system = replace(system, sections={**system.sections, **room})
    return _cpu("messages waiting", extent, extent.waiting, lambda n: cpu_s_with_backlog(system, n, extent.requests))


def by_types(extent: Extent) -> list[Curve]:
    """CPU per task over the number of task types, all of them asked for in turn."""

    def measure(types: int) -> float:
        with callboard_with(types) as (system, workload):
            return _cpu_s(system, workload, extent.requests)

    return _cpu("task types", extent, TYPES, measure)


def by_processes(extent: Extent) -> list[Curve]:
    """CPU per task over the number of worker processes."""
    return _cpu("worker processes", extent, PROCESSES, lambda n: _cpu_s(callboard(n), Workload(), extent.requests))


def by_text(extent: Extent) -> list[Curve]:
    """CPU over the size of the text: per task, and per byte of text."""
    curves = _cpu("bytes of text", extent, TEXT_BYTES, lambda n: _cpu_s(callboard(), Workload(n), extent.requests))
    per_task = replace(curves[0], flat=False)
    per_byte = {
        name: [cpu_us * 1000 / text_bytes for cpu_us, text_bytes in zip(values, TEXT_BYTES, strict=True)]
        for name, values in per_task.series.items()
    }
    return [per_task, replace(per_task, figure="CPU ns per byte", series=per_byte)]


def by_memory(extent: Extent) -> list[Curve]:
    """Resident memory of worker and ingress over the number of requests answered since the start."""
    step = extent.memory_requests // MEMORY_SAMPLES
    answered = [step * sample for sample in range(MEMORY_SAMPLES + 1)]
    samples = []
    with RedisServer() as server, running(callboard(), server.url) as processes:
        for requests in answered:
            if requests:
                burst(server.url, step, OUTSTANDING)
                processes.wait_until_settled()
            samples.append([size / 1e6 for size in processes.memory_bytes()])
    workers, ingress = zip(*samples, strict=True)
    return [Curve("requests answered", "resident MB", answered, {"workers": workers, "ingress": ingress})]


def _cpu(x: str, extent: Extent, xs: Sequence[int], measure: Callable[[int], float]) -> list[Curve]:
    """The median of several runs, each over all points, so that a drift of the machine does not bend the curve."""
    runs = [[measure(value) * 1e6 for value in xs] for _ in range(extent.runs)]
    return [Curve(x, "CPU µs per task", xs, {"ingress and workers": [median(run) for run in zip(*runs, strict=True)]})]


def _cpu_s(system: System, workload: Workload, requests: int) -> float:
    """CPU seconds per task, ingress and workers together, in a burst after a warm-up."""
    with RedisServer() as server, running(system, server.url) as processes:
        burst(server.url, OUTSTANDING * 2, OUTSTANDING, workload)
        processes.wait_until_settled()
        cpu_s = processes.cpu_s()
        burst(server.url, requests, OUTSTANDING, workload)
        return (processes.cpu_s() - cpu_s) / requests


CURVES = {"backlog": by_backlog, "types": by_types, "processes": by_processes, "text": by_text, "memory": by_memory}
