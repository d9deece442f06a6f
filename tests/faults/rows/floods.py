"""More requests than Callboard can do, and a Redis that must not suffer from it."""

import json
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil

from bench.wire import Wire, packed
from tests.faults.extent import Extent
from tests.faults.load import PATIENCE_WITH_REDIS_S, Load
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


def of_requests(extent: Extent) -> Row:
    """As many requests as Redis takes."""
    return _flood("a flood of requests", extent, extent.flood, works)


def of_large_requests(extent: Extent) -> Row:
    """The same with requests of 64 kB."""
    return _flood("a flood of requests of 64 kB", extent, extent.large_flood, partial(works, ballast_bytes=LARGE_BYTES))


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
    return _unfair("one user floods", extent, {"task_type": "works", "user_id": "the-flooder"})


def by_one_task_type(extent: Extent) -> Row:
    """Requests of one task type do."""
    return _unfair("one task type floods", extent, {"task_type": "works_as_well", "user_id": "anybody"})


def _unfair(fault: str, extent: Extent, sender: dict[str, str]) -> Row:
    others = 30 * extent.times
    with Site() as site:
        site.start("ingress", "worker-1", "worker-2")
        tally = site.folder / "flood"
        tally.mkdir()
        parameters = {"number": 0, "tally": str(tally), "seconds": 0.01}
        request = json.dumps(sender | {"parameters": parameters}).encode()
        with Load(site.url, works, rate_per_s=15.0) as load:
            flood = threading.Thread(target=_publish, args=[site.url, request, others * FLOODING])
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


def _publish(url: str, request: bytes, count: int) -> None:
    wire = Wire(url, PATIENCE_WITH_REDIS_S)
    for _ in range(count // FLOODING):
        wire.send(packed(b"PUBLISH", b"tasks", request) * FLOODING)
        wire.receive()
    wire.close()
