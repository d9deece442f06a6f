"""The usual experiment: a steady load, and one fault after another while it runs."""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tests.faults.extent import Extent
from tests.faults.load import Load, Way
from tests.faults.row import Row
from tests.faults.site import Site
from tests.faults.workloads import Workload, mixed

#: More than is ever published in the time that the faults take.
ENDLESS = 10**9

#: What happens, and is over when it returns.
Strike = Callable[[], object]


def disturbed(
    fault: str,
    site: Site,
    extent: Extent,
    strikes: Iterable[Strike],
    *,
    workload: Callable[[Path], Workload] = mixed,
    ways: Sequence[Way] = (Way.CHANNEL,),
    waits_for_replica: bool = False,
    heard_by: int = 1,
) -> Row:
    """Publishes the workload at the rate of `extent` while the faults happen, and counts."""
    with Load(
        site.url,
        workload,
        rate_per_s=extent.rate_per_s,
        window=100_000,
        ways=ways,
        waits_for_replica=waits_for_replica,
        heard_by=heard_by,
    ) as load:
        load.publish(ENDLESS)
        injected = 0
        for strike in strikes:
            time.sleep(extent.pause_s)
            began_s = time.monotonic()
            strike()
            load.note_fault(began_s)
            injected += 1
            load.wait_until_answering(extent.patience_s)
        time.sleep(extent.pause_s)
        load.stop_publishing()
        for proxy in site.proxies.values():
            for payload in proxy.swallowed:
                load.ledger.forgive(payload)
        account = load.settle(extent.patience_s)
        return Row(fault, injected, account, load.recovery_s(), redelivery_s=load.redelivery_s())
