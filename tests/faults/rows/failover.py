"""A master that is gone for good, and a replica that its Sentinels put in its place."""

from functools import partial
from typing import Any

import redis

from tests.faults.disturbance import disturbed
from tests.faults.extent import Extent
from tests.faults.load import Way
from tests.faults.row import Row
from tests.faults.site import Site
from tests.sentinel_set import SentinelSet
from tests.waiting import wait_until
from transport.connection import connect

#: How long Sentinels may take on a busy machine, and a server to have the copy of another one.
FAILOVER_S = 40.0

#: A master that is silent for so long is down. With 1 s the Sentinels take one for dead that they have just made the
#: master, and put the one in its place that was killed before, with what it knew when it came back.
DOWN_AFTER_MS = 3_000

#: How long one question whether the replica follows may take.
REPLICATION_MS = 200


def master_killed(extent: Extent) -> Row:
    """SIGKILL for the master, three Sentinels promote its replica; then it comes back as the replica of that one."""
    with Site(servers=(servers := SentinelSet(down_after_ms=DOWN_AFTER_MS))) as site:
        site.start("ingress-1", "ingress-2", "worker-1", "worker-2")
        return disturbed("fail-over by Sentinel", site, extent, [partial(_kill, servers)] * extent.times)


def master_killed_on_the_stream(extent: Extent) -> Row:
    """The same where requests come by the stream, and the client makes sure with WAIT that a replica has them."""
    with Site(servers=(servers := SentinelSet(down_after_ms=DOWN_AFTER_MS))) as site:
        site.start("ingress-1", "ingress-2", "worker-1", "worker-2")
        strikes = [partial(_kill, servers)] * extent.times
        fault = "fail-over by Sentinel (stream, WAIT)"
        return disturbed(fault, site, extent, strikes, ways=[Way.STREAM], waits_for_replica=True)


def _kill(servers: SentinelSet) -> None:
    killed = servers.master()
    wait_until(lambda: _is_followed(killed.url), "the replica follows its master", FAILOVER_S)
    killed.process.kill()
    killed.process.wait()
    wait_until(lambda: _has_moved(servers, killed.port), "there is another master", FAILOVER_S)
    killed.start()


def _has_moved(servers: SentinelSet, port: int) -> bool:
    try:
        return servers.master().port != port
    except redis.RedisError:
        return False


def _is_followed(url: str) -> bool:
    """Whether a replica has what is written now. One that INFO calls online may be reading its copy still, and what its
    master has acknowledged until that is done dies with the master."""
    with connect(url) as master:
        master.set("faults:followed", 1, px=1000)
        replicas: Any = master.wait(1, REPLICATION_MS)
    return bool(replicas)
