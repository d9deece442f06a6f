"""Ingresses that die, and requests that come more than once."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from tests.faults.disturbance import disturbed
from tests.faults.extent import Extent
from tests.faults.load import Load, Way
from tests.faults.row import Row
from tests.faults.site import Site
from tests.faults.workloads import named
from tests.waiting import wait_until

#: A standby has taken over so long after a death at the latest.
TAKEOVER_S = 3.0


def killed(extent: Extent) -> Row:
    """The ingress that hears the channel is killed, a standby takes over, and a new standby is started."""
    return _killed("an ingress killed (channel)", extent, [Way.CHANNEL])


def killed_on_the_stream(extent: Extent) -> Row:
    """The same where requests come by the stream."""
    return _killed("an ingress killed (stream)", extent, [Way.STREAM])


def _killed(fault: str, extent: Extent, ways: Sequence[Way]) -> Row:
    with Site() as site:
        site.start("ingress-1", "ingress-2", "worker")

        def kill(name: str) -> None:
            site.system.kill(name)
            wait_until(site.is_heard, "the standby listens")

        # The first one that was started has it first, then the standby, and the one that was started anew is standby.
        def strikes() -> Iterator[Callable[[], None]]:
            for turn in range(extent.times):
                name = f"ingress-{1 + turn % 2}"
                yield partial(kill, name)
                site.start(name)

        row = disturbed(fault, site, extent, strikes(), ways=ways)
    if row.account.longest_gap_s > TAKEOVER_S:
        row.findings.append(f"no answer for {row.account.longest_gap_s:.1f} s, a standby has {TAKEOVER_S:.0f} s")
    return row


def repeated(extent: Extent) -> Row:
    """Each request is published twice and added to the stream as well, with two ingresses, and all are sent again."""
    with Site() as site:
        site.start("ingress-1", "ingress-2", "worker")
        ways = [Way.CHANNEL, Way.CHANNEL, Way.STREAM]
        with Load(site.url, named, rate_per_s=extent.rate_per_s, ways=ways) as load:
            load.publish(extent.times * 100)
            load.settle(extent.patience_s)
            load.repeat(extent.patience_s)
            account = load.settle(extent.patience_s)
    row = Row("requests repeated, on both paths", len(ways), account, 0.0)
    row.findings += [f"{len(account.ran_twice)} requests ran twice"] if account.ran_twice else []
    if account.replayed < account.sent:
        row.findings.append(f"{account.replayed} of {account.sent} repeated requests got their outcome again")
    return row
