"""The same fault at every command of a process, one after another, while it works: the heart of the harness."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from tests.faults.extent import Extent
from tests.faults.fault_point import Fault, Moment
from tests.faults.load import Load
from tests.faults.row import Row
from tests.faults.site import Site

#: How many requests are sent around each fault: each kind of the mixed workload, a few times.
REQUESTS = 28

#: How long a fault may take to happen, and its requests to be answered, before the next one is tried.
POINT_S = 3.0

#: How long a standby has before it is asked to hand back: longer than it needs, on however busy a machine.
TAKEOVER_S = 15.0

#: How many of the requests that suffered at one point are named.
NAMED = 3

#: What only opens a connection.
HANDSHAKE = ("CLIENT SETINFO", "SELECT", "HELLO", "AUTH")


class Act(StrEnum):
    """What happens at a point."""

    CUT = "connection cut"
    KILL = "process killed"
    STOP = "Redis stopped"


@dataclass(frozen=True)
class Point:
    """The `nth` command of this name that a process sends while it works, or from its start on."""

    process: str
    command: str
    nth: int
    moment: Moment
    at_start: bool

    def __str__(self) -> str:
        return f"{self.process}{' starting' if self.at_start else ''}: {self.command} #{self.nth}, {self.moment}"


class Sweep:
    """Goes through the points of one process, under one load, and knows which requests were sent around which.

    Parameters:
        process: its name on the site, where it runs through a proxy.
        standby: the name of one that takes over from it, and has to hand back what it has taken before the next point.
    """

    def __init__(
        self, site: Site, load: Load, process: str, act: Act, extent: Extent, standby: str | None = None
    ) -> None:
        self._site = site
        self._load = load
        self._process = process
        self._proxy = site.proxies[process]
        self._act = act
        self._standby = standby
        self._extent = extent
        self._random = random.Random(4)  # noqa: S311 - the same lengths each time
        self._resumed = threading.Event()
        self._struck_s = 0.0
        self._sent_at: list[tuple[Point, range]] = []
        self.injected = 0

    def while_working(self) -> None:
        """A fault at each command that the process sends for requests."""
        self._publish()
        self._proxy.commands.clear()
        self._publish()
        for point in self._points(list(self._proxy.commands), at_start=False):
            self._try(point)

    def while_starting(self) -> None:
        """A fault at each command that it sends when it was just started; not in the quick variant."""
        if not self._extent.starts:
            return
        self._stop()
        self._proxy.commands.clear()
        self._site.start(self._process)
        self._publish()
        for point in self._points(list(self._proxy.commands), at_start=True):
            self._try(point)

    def row(self, patience_s: float) -> Row:
        """The sum, with a finding for each point where requests suffered."""
        account = self._load.settle(patience_s)
        suffered = {"lost": account.lost, "answered twice": account.twice, "answered wrong": account.wrong}
        findings = [
            f"{len(found)} {what} at {point}: {', '.join(map(self._load.describe, found[:NAMED]))}"
            for point, numbers in self._sent_at
            for what, victims in suffered.items()
            if (found := sorted(set(victims).intersection(numbers)))
        ]
        standby = ", with a standby" if self._standby else ""
        name = f"{self._act} at every command of the {self._process}{standby}"
        return Row(name, self.injected, account, self._load.recovery_s(), findings, steady=False)

    def _points(self, commands: Iterable[str], *, at_start: bool) -> list[Point]:
        counts = Counter(command for command in commands if command not in HANDSHAKE)
        return [
            Point(self._process, command, nth, moment, at_start)
            for command, count in counts.items()
            for nth in range(1, min(count, self._extent.most) + 1)
            for moment in Moment
        ]

    def _try(self, point: Point) -> None:
        if point.at_start:
            self._stop()
        self._resumed.clear()
        fault = Fault(point.command, point.moment, point.nth, self._strike, cuts=self._act is not Act.STOP)
        self._proxy.arm(fault)
        first = self._load.ledger.sent
        if point.at_start:
            self._site.launch(self._process)
            self._wait(lambda: fault.fired.is_set() or self._site.is_heard())
        if not fault.fired.is_set():
            self._load.publish(REQUESTS)
            self._wait(fault.fired.is_set)
        self._proxy.arm(None)
        if fault.has_come:
            self._wait(fault.fired.is_set)
            self._get_over_it()
        if point.at_start:
            self._wait(self._site.is_heard)
            self._load.publish(REQUESTS)
        self._wait_for_answers()
        self._sent_at.append((point, range(first, self._load.ledger.sent)))

    def _strike(self) -> None:
        self._struck_s = time.monotonic()
        self.injected += 1
        if self._act is Act.KILL:
            self._site.system.kill(self._process)
        elif self._act is Act.STOP:
            self._site.suspend_redis()
            threading.Timer(self._random.uniform(*self._extent.stop_s), self._resume).start()

    def _resume(self) -> None:
        self._site.resume_redis()
        self._resumed.set()

    def _get_over_it(self) -> None:
        if self._act is Act.KILL:
            self._site.start(self._process)
        elif self._act is Act.STOP:
            self._resumed.wait()
        self._load.note_fault(self._struck_s)
        if self._standby:
            self._wait_for_answers(TAKEOVER_S)
            self._site.stop_and_start(self._standby)

    def _stop(self) -> None:
        """So that the next start is like the very first, which finds no script in Redis."""
        self._site.system.stop(self._process)
        with self._site.client() as client:
            client.script_flush()

    def _publish(self) -> None:
        self._load.publish(REQUESTS)
        self._wait_for_answers()

    def _wait_for_answers(self, deadline_s: float = POINT_S) -> None:
        def all_answered() -> bool:
            # Without a standby nobody has heard what Redis pushed to a connection that was cut.
            for payload in [] if self._standby else self._proxy.swallowed:
                self._load.ledger.forgive(payload)
            return not (self._load.is_publishing() or self._load.ledger.outstanding)

        self._wait(all_answered, deadline_s)

    def _wait(self, condition: Callable[[], bool], deadline_s: float = POINT_S) -> None:
        deadline = time.monotonic() + deadline_s
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.01)
