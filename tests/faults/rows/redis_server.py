"""A Redis that goes away, stands still, forgets, or refuses."""

import random
import time
from collections.abc import Callable
from functools import partial

import redis

from tests.faults.disturbance import disturbed
from tests.faults.extent import Extent
from tests.faults.row import Row
from tests.faults.site import Site

#: With every write on disk before its answer: what was acknowledged is kept.
APPEND_ONLY = ("--appendonly", "yes", "--appendfsync", "always")

#: How long Redis is gone, or refuses everything.
OUTAGE_S = 1.0


def restarted(extent: Extent) -> Row:
    """Redis is stopped, killed every other time, and started again with what it had on disk."""
    with Site(redis_options=APPEND_ONLY) as site:
        site.start("ingress", "worker")
        strikes = [partial(restart, site, kill=turn % 2 == 1) for turn in range(extent.times)]
        return disturbed("Redis restarted (append-only)", site, extent, strikes)


def restart(site: Site, *, kill: bool) -> None:
    """Ends Redis, be it with SIGKILL, and starts it again after a while."""
    if kill:
        site.redis.process.kill()
        site.redis.process.wait()
    else:
        site.redis.stop()
    time.sleep(OUTAGE_S)
    site.redis.start()


def stopped(extent: Extent) -> Row:
    """SIGSTOP for Redis: it answers nobody for a while, and every connection stays."""
    lengths = random.Random(17)  # noqa: S311 - the same each time

    with Site() as site:
        site.start("ingress", "worker")

        def stop() -> None:
            site.suspend_redis()
            time.sleep(lengths.uniform(*extent.stop_s))
            site.resume_redis()

        return disturbed("Redis stopped (SIGSTOP)", site, extent, [stop] * extent.times)


def scripts_flushed(extent: Extent) -> Row:
    """SCRIPT FLUSH."""
    return _commanded("SCRIPT FLUSH", extent, lambda client: client.script_flush())


def connections_killed(extent: Extent) -> Row:
    """CLIENT KILL TYPE normal: all connections but subscriptions."""
    return _commanded("CLIENT KILL TYPE normal", extent, lambda client: client.client_kill_filter(_type="normal"))


def subscriptions_killed(extent: Extent) -> Row:
    """CLIENT KILL TYPE pubsub: the ingress's subscription, and the load's own."""
    return _commanded("CLIENT KILL TYPE pubsub", extent, lambda client: client.client_kill_filter(_type="pubsub"))


def read_only(extent: Extent) -> Row:
    """Redis is a replica for a while, as an old master after a fail-over: writes are refused with READONLY."""

    def demote(client: "redis.Redis") -> None:
        client.replicaof("127.0.0.1", "1")
        time.sleep(OUTAGE_S)
        client.replicaof("NO", "ONE")

    return _commanded("READONLY", extent, demote)


def without_replicas(extent: Extent) -> Row:
    """Writes are refused with NOREPLICAS for a while."""

    def demand(client: "redis.Redis") -> None:
        client.config_set("min-replicas-to-write", 1)
        time.sleep(OUTAGE_S)
        client.config_set("min-replicas-to-write", 0)

    return _commanded("NOREPLICAS", extent, demand)


def out_of_memory(extent: Extent) -> Row:
    """Redis is at `maxmemory` for a while, with `noeviction`."""

    def fill(client: "redis.Redis") -> None:
        client.config_set("maxmemory", 1_000_000)
        time.sleep(OUTAGE_S)
        client.config_set("maxmemory", 0)

    return _commanded("maxmemory, noeviction", extent, fill)


def undecodable_entry(extent: Extent) -> Row:
    """Something that is no message lies on the queue between others."""

    def spoil(client: "redis.Redis") -> None:
        with client.pipeline() as pipeline:
            for number in range(3):
                pipeline.hset("dramatiq:default.msgs", f"spoilt-{number}", b"\xff not JSON")
                pipeline.rpush("dramatiq:default", f"spoilt-{number}")
            pipeline.execute()

    return _commanded("an undecodable entry on the queue", extent, spoil)


def _commanded(fault: str, extent: Extent, command: Callable[["redis.Redis"], object]) -> Row:
    with Site() as site, site.client() as client:
        site.start("ingress", "worker")
        return disturbed(fault, site, extent, [partial(command, client)] * extent.times)
