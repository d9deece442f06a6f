"""A master, its replicas and the Sentinels that watch them, on loopback ports."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from client.redis_server import LOG_FILE, RedisServer, find_redis_server
from redis_place import Address
from tests.waiting import wait_until
from transport.connection import connect

MASTER = "mymaster"

#: A master that is silent for so long is down; other waits of a fail-over are derived from the second one.
DOWN_AFTER_MS = 1_000
FAILOVER_TIMEOUT_MS = 3_000

#: Two of three Sentinels have to agree.
SENTINELS = 3
QUORUM = 2


#: A replica is given its copy at once, instead of after the 5 s that others have to ask for one as well.
AT_ONCE = ("--repl-diskless-sync-delay", "0")


class Sentinel(RedisServer):
    """One Sentinel, which keeps what it knows in its own configuration file; it gets further lines for that."""

    def __init__(self, master: Address, *lines: str, down_after_ms: int = DOWN_AFTER_MS) -> None:
        self._master = master
        self._lines = lines
        self._down_after_ms = down_after_ms
        super().__init__()

    def _command(self) -> list[str]:
        file = Path(self._folder.name, "sentinel.conf")
        if not file.exists():
            file.write_text(
                f"port {self.port}\nbind 127.0.0.1\ndir {self._folder.name}\nlogfile {LOG_FILE}\n"
                f"sentinel monitor {MASTER} {self._master.host} {self._master.port} {QUORUM}\n"
                f"sentinel down-after-milliseconds {MASTER} {self._down_after_ms}\n"
                f"sentinel failover-timeout {MASTER} {FAILOVER_TIMEOUT_MS}\n"
                + "".join(f"{line}\n" for line in self._lines)
            )
        return [find_redis_server(), str(file), "--sentinel"]


class SentinelSet:
    """Ready for a fail-over when it is made; `url` is what Callboard gets."""

    def __init__(self, *options: str, replicas: int = 1, down_after_ms: int = DOWN_AFTER_MS) -> None:
        with ExitStack() as started:
            first = started.enter_context(RedisServer(*AT_ONCE, *options))
            address = Address("127.0.0.1", first.port)
            following = ("--replicaof", "127.0.0.1", str(first.port))
            self.servers = [first]
            for _ in range(replicas):
                self.servers.append(started.enter_context(RedisServer(*AT_ONCE, *options, *following)))
            self.sentinels = [
                started.enter_context(Sentinel(address, down_after_ms=down_after_ms)) for _ in range(SENTINELS)
            ]
            self.port = self.sentinels[0].port
            self.url = f"redis+sentinel://{','.join(f'127.0.0.1:{one.port}' for one in self.sentinels)}/{MASTER}"
            for sentinel in self.sentinels:
                wait_until(lambda one=sentinel: self._is_ready(one), "the Sentinels know everyone")  # type: ignore[misc]
            self._started = started.pop_all()

    def master(self) -> RedisServer:
        """The server that most Sentinels take for the master now."""
        ports = sorted(int(_state(sentinel)["port"]) for sentinel in self.sentinels)
        return next(server for server in self.servers if server.port == ports[len(ports) // 2])

    def _is_ready(self, sentinel: RedisServer) -> bool:
        state = _state(sentinel)
        with connect(self.servers[0].url) as master:
            in_sync: Any = master.info("replication")
        return bool(
            state["num-other-sentinels"] == SENTINELS - 1
            and state["num-slaves"] == len(self.servers) - 1
            and all(in_sync.get(f"slave{n}", {}).get("state") == "online" for n in range(len(self.servers) - 1))
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._started.close()


def _state(sentinel: RedisServer) -> Any:
    with connect(sentinel.url) as client:
        masters: Any = client.sentinel_masters()
        return masters[MASTER]
