"""The Redis client of an event loop: the same places as `transport.connection`, through `redis.asyncio`."""

import asyncio
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from redis_place import Address, read_place
from transport.connection import MOST_CONNECTIONS, TIMEOUT_S
from transport.discovery import Discovery, discovery


def connect_async(url: str, key_prefix: str) -> "redis.asyncio.Redis":
    """A client whose commands are sent once, to whichever server is the master when a connection is opened.

    A connection ends when its server does, and is not told of another master before.
    """
    place = read_place(url)
    client = redis.asyncio.Redis.from_url(
        place.server_url,
        retry=AsyncRetry(NoBackoff(), 0),
        protocol=2,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        max_connections=MOST_CONNECTIONS,
    )
    pool = client.connection_pool
    asking = pool.connection_kwargs | {"retry": Retry(NoBackoff(), 0)}
    if found_by := discovery(place, key_prefix, asking):
        pool.connection_class = MASTER_CONNECTIONS[pool.connection_class]
        pool.connection_kwargs["master"] = _Master(found_by)
    return client


class _Master:
    """The master as the connections of one client know it."""

    def __init__(self, discovery: Discovery) -> None:
        self._discovery = discovery
        self._epoch = 0

    async def address(self) -> Address:
        """Asks for it, in a thread: opening a connection to a Sentinel or a node may take a while."""
        found = await asyncio.to_thread(self._discovery.find, self._epoch)
        self._epoch = found.epoch
        return found.address


class _MasterConnection(Connection):
    def __init__(self, *, master: _Master, **options: Any) -> None:
        super().__init__(**options)
        self._master = master

    async def _connect(self) -> None:
        self.host, self.port = await self._master.address()
        await super()._connect()  # type: ignore[no-untyped-call]


class _MasterSSLConnection(_MasterConnection, SSLConnection):
    pass


#: Which of them takes the place of which of redis-py's.
MASTER_CONNECTIONS: dict[type, type[Connection]] = {Connection: _MasterConnection, SSLConnection: _MasterSSLConnection}
