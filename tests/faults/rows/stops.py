"""Processes that are asked to stop."""

from functools import partial

from tests.faults.disturbance import disturbed
from tests.faults.extent import Extent
from tests.faults.load import Load
from tests.faults.row import Row
from tests.faults.site import STOP_S, Site
from tests.faults.workloads import works
from tests.waiting import wait_until

#: An answer comes at least so often while everything is restarted, one process after another.
GAP_S = 1.0

EVERYTHING = ("ingress-1", "ingress-2", "worker-1", "worker-2", "scheduler")


def rolling_restart(extent: Extent) -> Row:
    """SIGTERM for one process after another, each started anew when it has stopped; two ingresses, two workers."""
    with Site() as site:
        site.start(*EVERYTHING)
        strikes = [partial(site.stop_and_start, name) for name in EVERYTHING] * max(1, extent.times // len(EVERYTHING))
        row = disturbed(
            "everything restarted in turn (SIGTERM)", site, extent, strikes, workload=partial(works, seconds=0.03)
        )
    if row.account.longest_gap_s > GAP_S:
        row.findings.append(f"no answer for {row.account.longest_gap_s:.1f} s")
    return row


def longer_than_the_grace_period(extent: Extent) -> Row:
    """SIGTERM for a worker whose tasks take longer than they have: they are handed back, and run elsewhere."""
    with Site({"worker": {"time_limit_ms": 120_000}}) as site:
        site.start("ingress-1", "worker-1")
        with Load(site.url, partial(works, seconds=STOP_S + 7)) as load:
            load.publish(4)
            wait_until(lambda: len(load.runs()) == 4, "all four run")
            site.start("worker-2")
            site.system.stop("worker-1", timeout_s=STOP_S)
            account = load.settle(extent.patience_s + STOP_S + 7)
    return Row("a worker stopped (SIGTERM) in long tasks", 1, account, 0.0)
