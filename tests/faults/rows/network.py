"""Connections that are lost, and packets that are."""

import time
from collections.abc import Callable
from functools import partial

from tests.faults.disturbance import disturbed
from tests.faults.extent import Extent
from tests.faults.proxy import Proxy
from tests.faults.row import Row
from tests.faults.site import Site


def cut(extent: Extent) -> Row:
    """All connections of a process are cut at once, the ingress's and the worker's in turn."""
    return _in_turn("all connections of a process cut", extent, Proxy.cut)


def abandoned(extent: Extent) -> Row:
    """The same, and Redis believes in the connections for a while yet: what it does for them then is for nobody."""
    return _in_turn("all connections of a process lost, unknown to Redis", extent, Proxy.abandon)


def _in_turn(fault: str, extent: Extent, strike: Callable[[Proxy], None]) -> Row:
    with Site() as site:
        site.start("ingress", "worker", proxied=True)
        strikes = [partial(strike, site.proxies[("ingress", "worker")[turn % 2]]) for turn in range(extent.times)]
        return disturbed(fault, site, extent, strikes)


def frozen(extent: Extent) -> Row:
    """Nothing gets through between a process and Redis for a while, and then everything does."""
    with Site() as site:
        site.start("ingress", "worker", proxied=True)

        def freeze(name: str, seconds: float) -> None:
            site.proxies[name].freeze()
            time.sleep(seconds)
            site.proxies[name].thaw()

        low, high = extent.stop_s
        step = (high - low) / max(extent.times - 1, 1)
        strikes = [partial(freeze, ("ingress", "worker")[turn % 2], low + turn * step) for turn in range(extent.times)]
        return disturbed("the network loses all packets", site, extent, strikes)
