"""One measurement of one system: on a fresh private Redis, warmed up, one load after another."""

import time
from dataclasses import dataclass
from statistics import median

import redis

from bench.load import burst, round_trips
from bench.processes import Processes, running
from bench.systems import System
from client.redis_server import RedisServer

#: Commands of the load driver's and of this module's own, which no task causes.
NOT_COUNTED = {"cmdstat_info", "cmdstat_subscribe"}


@dataclass(frozen=True)
class Load:
    """How much is asked of each system in each run."""

    requests: int
    outstanding: int
    round_trips: int
    pause_s: float
    idle_s: float


@dataclass(frozen=True)
class Figures:
    """What one run of one system came to. CPU and memory are of its own processes: neither Redis nor the driver."""

    burst_per_s: float
    idle_p50_ms: float
    idle_p95_ms: float
    idle_p99_ms: float
    sequential_p50_ms: float
    cpu_s_per_1000: float
    commands_per_task: float
    peak_memory_mb: float
    idle_commands_per_s: float
    idle_cpu_percent: float


def measure(system: System, load: Load) -> Figures:
    """Starts the system, puts the load on it and stops it."""
    with (
        RedisServer() as server,
        redis.Redis.from_url(server.url) as client,
        running(system, server.url) as processes,
    ):
        burst(server.url, min(load.requests, load.outstanding), load.outstanding)
        processes.wait_until_settled()
        return _figures(processes, client, load)


def medians(runs: list[Figures]) -> Figures:
    """The median of each figure by itself."""
    return Figures(**{name: median(getattr(run, name) for run in runs) for name in Figures.__dataclass_fields__})


def _figures(processes: Processes, client: "redis.Redis", load: Load) -> Figures:
    cpu_s, commands = processes.cpu_s(), _commands(client)
    rate_per_s = burst(processes.url, load.requests, load.outstanding)
    cpu_s = processes.cpu_s() - cpu_s
    # The driver itself publishes once for every request.
    commands = _commands(client) - commands - load.requests

    sequential = round_trips(processes.url, load.round_trips, pause_s=0)
    idle = round_trips(processes.url, load.round_trips, load.pause_s)
    processes.wait_until_settled()
    idle_commands_per_s, idle_cpu_percent = _at_rest(processes, client, load.idle_s)
    return Figures(
        burst_per_s=rate_per_s,
        idle_p50_ms=idle.p50_ms,
        idle_p95_ms=idle.p95_ms,
        idle_p99_ms=idle.p99_ms,
        sequential_p50_ms=sequential.p50_ms,
        cpu_s_per_1000=cpu_s / load.requests * 1000,
        commands_per_task=commands / load.requests,
        peak_memory_mb=processes.peak_memory_bytes() / 1e6,
        idle_commands_per_s=idle_commands_per_s,
        idle_cpu_percent=idle_cpu_percent,
    )


def _at_rest(processes: Processes, client: "redis.Redis", duration_s: float) -> tuple[float, float]:
    """Redis commands per second, and per cent of one core, of a system that nobody asks anything for `duration_s`."""
    cpu_s, commands = processes.cpu_s(), _commands(client)
    time.sleep(duration_s)
    return (_commands(client) - commands) / duration_s, (processes.cpu_s() - cpu_s) / duration_s * 100


def _commands(client: "redis.Redis") -> int:
    """How many commands Redis has performed so far, those inside scripts and transactions included."""
    statistics = client.info("commandstats")
    return sum(entry["calls"] for name, entry in statistics.items() if name not in NOT_COUNTED)
