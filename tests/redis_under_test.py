"""The Redis that the whole suite runs on: one server, or as CALLBOARD_TEST_REDIS says: `acl`, `sentinel` or `cluster`.

A test names keys as they are on one server. On a cluster, where each begins with the prefix of a hash tag, the client
of `open_client` adds that and takes it away again.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

import redis
from dramatiq.brokers.redis import RedisBroker

from client.redis_server import RedisServer
from redis_place import CLUSTER_KEY_PREFIX, read_place
from tests.acl_server import AclServer
from tests.cluster_of_six import ClusterOfSix
from tests.sentinel_set import SentinelSet
from transport.connection import connect

#: A Redis in which a replica takes the place of a master that is gone.
Deployment = SentinelSet | ClusterOfSix

KINDS: dict[str, Callable[[], RedisServer | Deployment]] = {
    "single": RedisServer,
    "acl": AclServer,
    "sentinel": SentinelSet,
    "cluster": ClusterOfSix,
}

#: What the name of each key of Callboard begins with.
OWN_KEYS = ("dramatiq", "callboard:", "tasks:stream")


def start_redis() -> RedisServer | Deployment:
    """Starts one that is empty, of the kind that the suite runs on; to be used as a context, its `url` says where."""
    return KINDS[os.environ.get("CALLBOARD_TEST_REDIS", "single")]()


def key_prefix(url: str) -> str:
    """What Callboard puts before its keys on the Redis there."""
    return CLUSTER_KEY_PREFIX if read_place(url).nodes else ""


def open_client(url: str) -> "redis.Redis":
    """A client of the test's own for the Redis there, which may name keys without that prefix."""
    client = connect(url)
    if prefix := key_prefix(url):
        return _Prefixing(client, prefix)
    return client


def stock_broker(url: str) -> RedisBroker:
    """The broker of a Dramatiq program that knows nothing of Callboard but where its queues are."""
    if read_place(url).server_url == url:
        return RedisBroker(url=url, middleware=[])
    return RedisBroker(client=connect(url), namespace=f"{key_prefix(url)}dramatiq", middleware=[])


class _Prefixing(redis.Redis):
    def __init__(self, client: "redis.Redis", prefix: str) -> None:
        super().__init__(connection_pool=client.connection_pool)
        self._client = client
        self._prefix = prefix

    def execute_command(self, *arguments: Any, **options: Any) -> Any:
        """The command, with the prefix before each word that is the name of a key."""
        words = [self._prefixed(argument) for argument in arguments]
        return super().execute_command(*words, **options)  # type: ignore[no-untyped-call]

    def scan_iter(self, *arguments: Any, **options: Any) -> Iterator[bytes]:
        """The keys without the prefix."""
        for key in super().scan_iter(*arguments, **options):
            yield key.removeprefix(self._prefix.encode())

    def close(self) -> None:
        """Ends the connections."""
        self._client.close()

    def _prefixed(self, argument: Any) -> Any:
        if isinstance(argument, bytes):
            is_key = argument.startswith(tuple(name.encode() for name in OWN_KEYS))
            return self._prefix.encode() + argument if is_key else argument
        return self._prefix + argument if isinstance(argument, str) and argument.startswith(OWN_KEYS) else argument
