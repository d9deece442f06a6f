"""More requests than Callboard can do, and a Redis that must not suffer from it."""

import json
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil

from bench.wire import Wire, packed
from tests.faults.extent import Extent
from tests.faults.load import PATIENCE_WITH_REDIS_S, Load, Way
from tests.faults.row import Row
from tests.faults.site import Site
from tests.faults.workloads import Workload, works

#: What no process of Callboard may need, whatever comes.
MEMORY_BYTES = 1 << 30

#: Everybody but the one who floods is answered within this time.
FAIR_S = 1.0

LARGE_BYTES = 64_000

#: How many requests the flooding user sends for each that another one sends.
FLOODING = 100

MANY_USERS = [f"user-{number}" for number in range(FLOODING)]


def of_requests(extent: Extent) -> Row:
    """As many requests as Redis takes."""
    return _flood("a flood of requests", extent, extent.flood, works)


def of_large_requests(extent: Extent) -> Row:
    """The same with requests of 64 kB."""
    return _flood("a flood of requests of 64 kB", extent, extent.large_flood, partial(works, ballast_bytes=LARGE_BYTES))


def with_a_stop(extent: Extent) -> Row:
    """The ingress that leads is asked to stop in the middle of one, and started anew when it has."""
    count = extent.flood // 5
    with Site() as site:
        site.start("ingress-1", "ingress-2", "worker-1", "worker-2")
        with Load(site.url, works, window=count) as load:
            load.publish(count // 2)
            publishing = threading.Thread(target=load.publish, args=[count // 2])
            publishing.start()
            site.stop_and_start("ingress-1")
            publishing.join()
            account = load.settle(extent.patience_s)
    return Row("the ingress stopped (SIGTERM) in a flood", 1, account, 0.0)


def _flood(fault: str, extent: Extent, count: int, workload: Callable[[Path], Workload]) -> Row:
    with Site() as site:
        site.start("ingress", "worker-1", "worker-2")
        with Load(site.url, workload, window=count) as load:
            load.publish(count)
            account = load.settle(extent.patience_s)
        row = Row(fault, 1, account, 0.0)
        if "Lost channel" in site.system.log("ingress"):
            row.findings.append("Redis cut the ingress off")
        for name in ("ingress", "worker-1", "worker-2"):
            peak_bytes = max(_peak_bytes(process) for process in site.system.family(name))
            row.notes.append(f"{name}: at most {peak_bytes / 1e6:.0f} MB")
            if peak_bytes > MEMORY_BYTES:
                row.findings.append(f"{name} needed {peak_bytes / 1e6:.0f} MB")
        with site.client() as client:
            row.notes.append(f"Redis: at most {client.info('memory')['used_memory_peak'] / 1e6:.0f} MB")
    return row


def _peak_bytes(process: psutil.Process) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def by_one_user(extent: Extent) -> Row:
    """One user sends a hundred times as much as the others, and more than can be done."""
    return _unfair("one user floods", extent, "works", ["the-flooder"])


def by_one_task_type(extent: Extent) -> Row:
    """Many users together do so with one task type."""
    return _unfair("one task type floods", extent, "works_as_well", MANY_USERS)


def by_one_user_with_short_tasks(extent: Extent) -> Row:
    """One user does so with tasks that take no time, and so with more requests than an ingress can judge."""
    return _unfair("one user floods the ingress", extent, "works", ["the-flooder"], seconds=0.0, times=10)


def by_one_task_type_with_short_tasks(extent: Extent) -> Row:
    """Many users together do so with one task type."""
    return _unfair("one task type floods the ingress", extent, "works_as_well", MANY_USERS, seconds=0.0, times=10)


def by_one_user_on_the_stream(extent: Extent) -> Row:
    """One user does so on the stream, which the others use as well."""
    return _unfair("one user floods the stream", extent, "works", ["the-flooder"], way=Way.STREAM)


def _unfair(
    fault: str,
    extent: Extent,
    task_type: str,
    users: list[str],
    *,
    seconds: float = 0.01,
    times: int = 1,
    way: Way = Way.CHANNEL,
) -> Row:
    others = 30 * extent.times
    with Site() as site:
        site.start("ingress", "worker-1", "worker-2")
        tally = site.folder / "flood"
        tally.mkdir()
        request = {"task_type": task_type, "parameters": {"number": 0, "tally": str(tally), "seconds": seconds}}
        requests = [json.dumps(request | {"user_id": user_id}).encode() for user_id in users]
        batch = b"".join(packed(*way.value, requests[n % len(requests)]) for n in range(FLOODING))
        with Load(site.url, works, rate_per_s=15.0, ways=(way,)) as load:
            flood = threading.Thread(target=_send, args=[site.url(), batch, others * times])
            flood.start()
            load.publish(others)
            account = load.settle(extent.patience_s)
            flood.join()
            slowest_s = max((latency_s for _, latency_s in load.ledger.latencies_s()), default=0.0)
    row = Row(fault, 1, account, 0.0)
    row.notes.append(f"the others waited {slowest_s:.2f} s at most")
    if slowest_s > FAIR_S:
        row.findings.append(f"another one waited {slowest_s:.1f} s, and not at most {FAIR_S:.0f} s")
    return row


def _send(url: str, batch: bytes, times: int) -> None:
    """Sends `FLOODING` requests together, so many times, as fast as Redis takes them."""
    wire = Wire(url, PATIENCE_WITH_REDIS_S)
    for _ in range(times):
        wire.send(batch)
        replies = 0
        while replies < FLOODING:
            replies += len(wire.receive())
    wire.close()
