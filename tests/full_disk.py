"""A Redis whose disk is full."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.waiting import wait_until

#: Options of a server that is to have a full disk. Only one that writes snapshots by itself refuses writes when one has
#: failed, and its folder can be changed only where that is allowed.
SNAPSHOTS = ("--save", "86400 1000000000", "--enable-protected-configs", "yes")


@contextmanager
def full_disk(client: "redis.Redis") -> Iterator[None]:
    """Redis cannot write its snapshot, and refuses to write, and to answer a PING, until it can."""
    folder, gone = str(client.config_get("dir")["dir"]), tempfile.mkdtemp(prefix="callboard-gone-")
    client.config_set("dir", gone)
    Path(gone).rmdir()
    client.bgsave()
    try:
        wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", "the snapshot has failed")
        yield
    finally:
        client.config_set("dir", folder)
        # Not refused any more. It would not end, either, before it has written a snapshot.
        client.config_set("save", "")


def refused_pings(client: "redis.Redis") -> int:
    """How many PINGs Redis has refused to answer."""
    number: int = client.info("commandstats").get("cmdstat_ping", {}).get("rejected_calls", 0)
    return number
