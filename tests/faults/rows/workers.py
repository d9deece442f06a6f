"""Workers that die."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from tests.faults.disturbance import Strike, disturbed
from tests.faults.extent import Extent
from tests.faults.load import Load
from tests.faults.row import Row
from tests.faults.site import Site
from tests.faults.workloads import delayed, poisoned, works
from tests.system import TEST_CONFIG
from tests.waiting import wait_until

#: Redelivery begins so long after a death at the latest.
RECOVERY_S = 10.0

#: A worker that stands still is dead to the others after 9 s at the latest.
FROZEN_S = 10.0

#: One request in so many is poison, and is tried so often, by default.
POISON_EVERY = 50
POISON_TRIES = 3


def killed(extent: Extent) -> Row:
    """SIGKILL for the processes that a worker command has started; two such commands run."""
    with Site() as site:
        site.start("ingress", "worker-1", "worker-2")
        return _timely(disturbed("a worker's processes killed", site, extent, _in_turn(site.kill_children, extent)))


def machine_killed(extent: Extent) -> Row:
    """SIGKILL for a whole worker command, as when its machine dies, and a new one in its place."""
    with Site() as site:
        site.start("ingress", "worker-1", "worker-2")
        fault = "a worker killed with all its processes"
        return _timely(disturbed(fault, site, extent, _in_turn(site.kill_and_start, extent)))


def frozen_and_killed(extent: Extent) -> Row:
    """A worker stands still until another one has taken over what it had, and dies then: what Redis has given it in
    between, on questions of before, is nobody else's."""
    with Site() as site:
        site.start("ingress", "worker-1", "worker-2")
        strikes = _in_turn(partial(_freeze_and_kill, site), extent)
        return disturbed("a worker frozen for 10 s, then killed", site, extent, strikes)


def _in_turn(strike: Callable[[str], object], extent: Extent) -> list[Strike]:
    """This, as often as `extent` says, for one of the two workers and the other."""
    return [partial(strike, f"worker-{1 + turn % 2}") for turn in range(extent.times)]


def _freeze_and_kill(site: Site, name: str) -> None:
    for process in site.system.family(name):
        process.suspend()
    time.sleep(FROZEN_S)
    site.kill_and_start(name)


def killed_on_an_idle_system(extent: Extent) -> Row:
    """One worker is killed with a task in hand, while another one is idle and nothing else is sent."""
    task_s = 3.0
    with Site() as site:
        site.start("ingress", "worker-1")
        with Load(site.url, partial(works, seconds=task_s)) as load:
            load.publish(1)
            wait_until(load.runs, "the task runs")
            site.start("worker-2")
            began_s = time.monotonic()
            site.system.kill("worker-1")
            load.note_fault(began_s)
            account = load.settle(extent.patience_s)
            row = Row("a worker killed on an idle system", 1, account, load.recovery_s() - task_s)
    if row.recovery_s > RECOVERY_S:
        row.findings.append(f"redelivered after {row.recovery_s:.1f} s, and not within {RECOVERY_S:.0f} s")
    return row


def killed_in_long_tasks(extent: Extent) -> Row:
    """A worker is killed with all its threads in tasks of a second: they begin again together."""
    with Site() as site:
        site.start("ingress", "worker-1", "worker-2")
        strikes = _in_turn(site.kill_and_start, extent)
        fault = "a worker killed in tasks of 1 s"
        # At half of what two workers can; so seldom that what has come back is done before the next one dies.
        gently = replace(extent, rate_per_s=8.0, pause_s=2 * extent.pause_s)
        row = disturbed(fault, site, gently, strikes, workload=partial(works, seconds=1.0))
    row.notes.append(f"{row.account.codes['failed']} ended as failed, since three workers had died with them")
    return _timely(row)


def killed_with_delayed_messages(extent: Extent) -> Row:
    """A worker is killed that holds messages which are not due yet, and some between two attempts."""
    with Site({"worker": TEST_CONFIG["worker"] | {"min_backoff_ms": 1000, "max_backoff_ms": 2000}}) as site:
        site.start("ingress", "worker-1", "worker-2")
        strikes = _in_turn(site.kill_and_start, extent)
        fault = "a worker killed that holds delayed messages"
        return _timely(disturbed(fault, site, extent, strikes, workload=delayed))


def _timely(row: Row) -> Row:
    row.notes.append(f"tasks whose worker had died were begun again after {row.redelivery_s:.1f} s at most")
    if row.redelivery_s > RECOVERY_S:
        row.findings.append(f"begun again after {row.redelivery_s:.1f} s, and not within {RECOVERY_S:.0f} s")
    return row


def poison(extent: Extent) -> Row:
    """One request in fifty kills every worker that tries it; its neighbours are unharmed."""
    with Site() as site:
        site.start("ingress", "worker-1", "worker-2")
        with Load(site.url, poisoned(POISON_EVERY), rate_per_s=extent.rate_per_s) as load:
            load.publish(extent.times * POISON_EVERY)
            with site.kept_alive("worker-1", "worker-2"):
                account = load.settle(extent.patience_s)
            row = Row("a task that kills its worker", extent.times, account, 0.0)
            tries = Counter(load.runs()[number] for number in range(0, extent.times * POISON_EVERY, POISON_EVERY))
    # A poison may be a neighbour of another one that is tried, and die with it untried.
    if max(tries) > POISON_TRIES:
        row.findings.append(f"a poison was tried {max(tries)} times")
    if (failed := account.codes["failed"]) != extent.times:
        row.findings.append(f"{failed} requests ended as failed, {extent.times} are poison")
    return row
