"""`python -m bench.shares`: what a request costs each of the processes, and so which of them is the first to be busy.

The CPU time of the ingress, of all workers and of Redis in bursts of `reverse_string`, per request. One over it is what
one core lets that process do in a second: the ingress and Redis's commands run on one core each, workers on all.
"""

from statistics import median

import psutil

from bench.load import burst
from bench.processes import running
from bench.report import table
from bench.systems import callboard
from client.redis_server import RedisServer

RUNS = 7
REQUESTS = 10_000
OUTSTANDING = 500


def cpu_s(process: psutil.Process) -> float:
    """CPU seconds that a process and its children have spent so far."""
    family = [process, *process.children(recursive=True)]
    return sum(member.cpu_times().user + member.cpu_times().system for member in family)


def measure() -> dict[str, list[float]]:
    """CPU seconds per request of each process, for each burst."""
    with RedisServer() as server, running(callboard(), server.url) as processes:
        workers, ingress = processes.started
        members = {"ingress": ingress, "workers": workers, "Redis": psutil.Process(server.process.pid)}
        burst(server.url, REQUESTS, OUTSTANDING)
        shares: dict[str, list[float]] = {name: [] for name in members}
        for _ in range(RUNS):
            processes.wait_until_settled()
            before = {name: cpu_s(member) for name, member in members.items()}
            burst(server.url, REQUESTS, OUTSTANDING)
            for name, member in members.items():
                shares[name].append((cpu_s(member) - before[name]) / REQUESTS)
    return shares


def main() -> None:
    """Measures and prints."""
    rows = [[name, f"{median(costs) * 1e6:.0f}", f"{1 / median(costs):,.0f}"] for name, costs in measure().items()]
    print(table(["process", "CPU µs per request", "requests/s on one core"], rows))


if __name__ == "__main__":
    main()
