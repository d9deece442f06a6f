"""A Redis that is there, and refuses: everything, what writes, or who comes."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import redis

from client.redis_server import RedisServer
from tests.faults.disturbance import disturbed
from tests.faults.extent import Extent
from tests.faults.row import Row
from tests.faults.rows.redis_server import OUTAGE_S
from tests.faults.site import Site
from tests.full_disk import SNAPSHOTS
from tests.waiting import wait_until

Strike = Callable[["redis.Redis", int], object]

#: What is taken from the Redis user of Callboard in turn.
RIGHTS: Sequence[tuple[str, ...]] = (("-@write",), ("-@scripting",), ("-blmove",), ("-publish",), ("-@all", "+acl"))

ENDLESS_SCRIPT = "while true do end"


def read_only(extent: Extent) -> Row:
    """Redis is a replica for a while, as an old master after a fail-over: writes are refused with READONLY."""

    def demote(client: "redis.Redis", turn: int) -> None:
        client.replicaof("127.0.0.1", "1")
        time.sleep(OUTAGE_S)
        client.replicaof("NO", "ONE")

    return _refused("READONLY", extent, demote)


def without_replicas(extent: Extent) -> Row:
    """Writes are refused with NOREPLICAS for a while."""
    return _refused("NOREPLICAS", extent, partial(_configured, "min-replicas-to-write", 1))


def out_of_memory(extent: Extent) -> Row:
    """Redis is at `maxmemory` for a while, with `noeviction`."""
    return _refused("maxmemory, noeviction", extent, partial(_configured, "maxmemory", 1_000_000))


def snapshot_failed(extent: Extent) -> Row:
    """Redis could not write its snapshot, and refuses writes with MISCONF until it can."""

    def fail(client: "redis.Redis", turn: int) -> None:
        folder = _value(client, "dir")
        gone = tempfile.mkdtemp(prefix="callboard-faults-")
        client.config_set("dir", gone)
        shutil.rmtree(gone)
        _snapshot(client)
        time.sleep(OUTAGE_S)
        client.config_set("dir", folder)
        _snapshot(client)

    return _refused("MISCONF, the disk is full", extent, fail, *SNAPSHOTS)


def script_runs(extent: Extent) -> Row:
    """Somebody's script does not end: Redis answers everybody BUSY until it is killed."""

    def busy(client: "redis.Redis", turn: int) -> None:
        script = threading.Thread(target=_run_endless_script, args=[client])
        script.start()
        time.sleep(OUTAGE_S)
        client.script_kill()
        script.join()

    return _refused("BUSY, a script that does not end", extent, busy, "--busy-reply-threshold", "50")


def paused(extent: Extent) -> Row:
    """CLIENT PAUSE, as before a planned fail-over: Redis holds all commands back, or those that write."""

    def pause(client: "redis.Redis", turn: int) -> None:
        client.client_pause(int(OUTAGE_S * 1000), all=turn % 2 == 0)
        time.sleep(OUTAGE_S)

    return _refused("CLIENT PAUSE", extent, pause)


def full(extent: Extent) -> Row:
    """Redis has as many clients as it may have when all have to connect anew: it refuses them for a while."""

    def fill(client: "redis.Redis", turn: int) -> None:
        before = _value(client, "maxclients")
        client.config_set("maxclients", 1)
        _kill_connections(client)
        time.sleep(OUTAGE_S)
        client.config_set("maxclients", before)

    return _refused("maxclients reached", extent, fill)


def password_changed(extent: Extent) -> Row:
    """Redis wants a password for a while that nobody was told, and has all of them log in again."""

    def change(client: "redis.Redis", turn: int) -> None:
        client.config_set("requirepass", "hush")
        _kill_connections(client)
        time.sleep(OUTAGE_S)
        client.config_set("requirepass", "")

    return _refused("another password", extent, change)


def rights_revoked(extent: Extent) -> Row:
    """The Redis user of Callboard may not do some of what it has to for a while, and then may again."""

    def revoke(client: "redis.Redis", turn: int) -> None:
        client.execute_command("ACL", "SETUSER", "default", *RIGHTS[turn % len(RIGHTS)])
        time.sleep(OUTAGE_S)
        client.execute_command("ACL", "SETUSER", "default", "+@all")

    return _refused("rights revoked, NOPERM", extent, revoke)


def _refused(fault: str, extent: Extent, strike: Strike, *options: str) -> Row:
    with Site(servers=RedisServer(*options)) as site, site.client() as client:
        site.start("ingress", "worker")
        return disturbed(fault, site, extent, [partial(strike, client, turn) for turn in range(extent.times)])


def _configured(name: str, value: int, client: "redis.Redis", turn: int) -> None:
    """Another value than 0 for a while."""
    client.config_set(name, value)
    time.sleep(OUTAGE_S)
    client.config_set(name, 0)


def _value(client: "redis.Redis", name: str) -> str:
    value = client.config_get(name)[name]
    assert value is not None
    return value


def _snapshot(client: "redis.Redis") -> None:
    client.bgsave()
    wait_until(lambda: not client.info("persistence")["rdb_bgsave_in_progress"], "Redis ends its snapshot", 10)


def _run_endless_script(client: "redis.Redis") -> None:
    with suppress(redis.ResponseError):
        client.eval(ENDLESS_SCRIPT, 0)


def _kill_connections(client: "redis.Redis") -> None:
    """All but this one and the load's subscription, which is to one channel; an ingress has more."""
    client.client_kill_filter(_type="normal", skipme=True)
    for entry in client.client_list(_type="pubsub"):
        if int(entry["sub"]) > 1:
            client.client_kill_filter(_id=entry["id"])
