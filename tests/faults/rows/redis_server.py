"""A Redis that goes away, stands still or forgets."""

import random
import time
from collections.abc import Callable
from functools import partial

import redis

from client.redis_server import RedisServer
from tests.faults.disturbance import disturbed
from tests.faults.extent import Extent
from tests.faults.row import Row
from tests.faults.site import Site

#: With every write on disk before its answer: what was acknowledged is kept.
APPEND_ONLY = ("--appendonly", "yes", "--appendfsync", "always")

#: How long Redis is gone, or refuses everything.
OUTAGE_S = 1.0

#: The same so that no lease outlives it: any of two ingresses may lead afterwards.
LONG_OUTAGE_S = 3.0


def restarted(extent: Extent) -> Row:
    """Redis is stopped, killed every other time, and started again with what it had on disk."""
    return _restarted("Redis restarted (append-only)", extent, OUTAGE_S, "ingress")


def restarted_with_a_standby(extent: Extent) -> Row:
    """The same for longer than a lease lasts, with two ingresses: which of them had the last requests is by chance."""
    return _restarted("Redis restarted (append-only), two ingresses", extent, LONG_OUTAGE_S, "ingress-1", "ingress-2")


def _restarted(fault: str, extent: Extent, outage_s: float, *ingresses: str) -> Row:
    with Site(servers=RedisServer(*APPEND_ONLY)) as site:
        site.start(*ingresses, "worker")
        strikes = [partial(restart, site, outage_s, kill=turn % 2 == 1) for turn in range(extent.times)]
        return disturbed(fault, site, extent, strikes)


def restart(site: Site, outage_s: float = OUTAGE_S, *, kill: bool) -> None:
    """Ends Redis, be it with SIGKILL, and starts it again after a while."""
    if kill:
        site.server.process.kill()
        site.server.process.wait()
    else:
        site.server.stop()
    time.sleep(outage_s)
    site.server.start()


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
    """Redis cuts the subscription of one of two ingresses; what was on its way to it, the other one has heard."""

    def kill(client: "redis.Redis", turn: int) -> None:
        # An ingress hears the channel of its positions as well; the load's own subscription is one channel.
        ingresses = [entry["id"] for entry in client.client_list(_type="pubsub") if int(entry["sub"]) > 1]
        client.client_kill_filter(_id=ingresses[turn % len(ingresses)])

    with Site() as site, site.client() as client:
        site.start("ingress-1", "ingress-2", "worker")
        strikes = [partial(kill, client, turn) for turn in range(extent.times)]
        return disturbed("the subscription of an ingress cut by Redis", site, extent, strikes)


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
