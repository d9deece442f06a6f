"""Two faults at a time."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import redis

from client.redis_server import RedisServer
from tests.faults.disturbance import Strike, disturbed
from tests.faults.extent import Extent
from tests.faults.load import Way
from tests.faults.row import Row
from tests.faults.rows.redis_server import APPEND_ONLY, restart
from tests.faults.site import Site
from tests.waiting import wait_until

#: The second fault begins so long after the first one at the latest.
APART_S = 3.0

#: How long a Redis may be away that the other fault of a pair has hit, for a command to be a fault of its own.
AWAY_S = 20.0

INGRESSES = ("ingress-1", "ingress-2", "ingress-3")
WORKERS = ("worker-1", "worker-2")

Command = Callable[["redis.Redis"], object]


def within_seconds(extent: Extent) -> Row:
    """Two faults, each of any kind, within 3 s; a request counts when all three ingresses have heard it."""
    return _pairs("two faults within 3 s", extent, Way.CHANNEL, heard_by=len(INGRESSES))


def within_seconds_on_the_stream(extent: Extent) -> Row:
    """The same where requests come by the stream."""
    return _pairs("two faults within 3 s (stream)", extent, Way.STREAM)


def _pairs(fault: str, extent: Extent, way: Way, heard_by: int = 1) -> Row:
    chance = random.Random(17)  # noqa: S311 - the same each time
    with Site(servers=RedisServer(*APPEND_ONLY)) as site:
        site.start(*INGRESSES, *WORKERS)
        pairs = [_pair(site, extent, chance) for _ in range(extent.times)]
        strikes = [partial(_strike, *pair, chance.uniform(0, APART_S)) for pair in pairs]
        return disturbed(fault, site, extent, strikes, ways=[way], heard_by=heard_by)


def _strike(first: Strike, second: Strike, apart_s: float) -> None:
    """Returns when both are over."""
    with ThreadPoolExecutor(1) as beside:
        over = beside.submit(first)
        time.sleep(apart_s)
        second()
        over.result()


def _pair(site: Site, extent: Extent, chance: random.Random) -> tuple[Strike, Strike]:
    """Two faults that do not hit the same."""
    hit, first = _fault(site, extent, chance)
    also_hit, second = hit, first
    while also_hit == hit:
        also_hit, second = _fault(site, extent, chance)
    return first, second


def _fault(site: Site, extent: Extent, chance: random.Random) -> tuple[str, Strike]:
    """What is hit, and what happens to it."""
    ingress, worker, length_s = chance.choice(INGRESSES), chance.choice(WORKERS), chance.uniform(*extent.stop_s)
    faults: list[tuple[str, Strike]] = [
        (worker, partial(site.kill_children, worker)),
        (worker, partial(site.kill_and_start, worker)),
        (worker, partial(site.stop_and_start, worker)),
        (worker, partial(_freeze, site, worker, length_s)),
        (ingress, partial(site.kill_and_start, ingress)),
        (ingress, partial(site.stop_and_start, ingress)),
        (ingress, partial(_freeze, site, ingress, length_s)),
        ("Redis", partial(restart, site, length_s, kill=False)),
        ("Redis", partial(restart, site, length_s, kill=True)),
        ("Redis", partial(_suspend_redis, site, length_s)),
        ("its scripts", partial(_command, site, lambda client: client.script_flush())),
        ("its connections", partial(_command, site, lambda client: client.client_kill_filter(_type="normal"))),
        ("its memory", partial(_refuse, site, "maxmemory", 1_000_000, length_s)),
        ("its replicas", partial(_refuse, site, "min-replicas-to-write", 1, length_s)),
    ]
    return chance.choice(faults)


def _freeze(site: Site, name: str, length_s: float) -> None:
    with site.system.suspended(name):
        time.sleep(length_s)


def _suspend_redis(site: Site, length_s: float) -> None:
    site.suspend_redis()
    time.sleep(length_s)
    site.resume_redis()


def _refuse(site: Site, name: str, value: int, length_s: float) -> None:
    """Has Redis refuse what may take memory, or what writes."""
    _command(site, lambda client: client.config_set(name, value))
    time.sleep(length_s)
    _command(site, lambda client: client.config_set(name, 0))


def _command(site: Site, command: Command) -> None:
    """A command for Redis, as soon as that is there: the other fault may have hit it."""

    def is_done() -> bool:
        with suppress(redis.RedisError), site.client() as client:
            command(client)
            return True
        return False

    wait_until(is_done, "Redis performs a command", AWAY_S)
