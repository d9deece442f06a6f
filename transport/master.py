"""Connections to the Redis that is the master now, which end when it is the master no more."""

import socket
import threading
from contextlib import suppress
from typing import Any
from weakref import WeakSet, ref

import redis
from redis.connection import Connection, ConnectionPool, SSLConnection
from redis.exceptions import AskError, ClusterDownError, ReadOnlyError

from redis_place import Address
from transport.discovery import Discovery, Found

#: The errors of a server that has become a replica, has given the slot away or has lost its cluster. In redis-py MOVED
#: is an AskError and MASTERDOWN a ClusterDownError.
NOT_THE_MASTER = (ReadOnlyError, AskError, ClusterDownError)

#: The error of a master whose replicas are gone, with min-replicas-to-write: they may follow another master by now.
DESERTED = "NOREPLICAS"


class Master:
    """The master as the connections of one client know it. Thread-safe."""

    def __init__(self, discovery: Discovery, pool: ConnectionPool) -> None:
        self._discovery = discovery
        self._pool = ref(pool)
        self._known: Found | None = None
        self._connections: WeakSet[MasterConnection] = WeakSet()
        self._lock = threading.Lock()

    def address_for(self, connection: "MasterConnection") -> Address:
        """Asks for the master. When it is another one than before, idle connections to the old one end; and when the
        old one is silent, all of them: each would notice that by itself, but late and one after the other.

        Connections in use to an old master that lives end when it says that it is none: until then, what is published
        there is heard. But in a cluster that is heard on the new master, too, and all ingresses should listen there:
        only on one and the same node they hear in the same order.

        Raises:
            redis.ConnectionError: when nobody names a master.
        """
        known = self._known
        found = self._discovery.find(known.epoch if known else 0)
        with self._lock:
            self._connections.add(connection)
            if known is not self._known and self._known is not None and found.epoch < self._known.epoch:
                return self._known.address  # another thread has heard of a later one meanwhile
            self._known = found
        if known is not None and known.address != found.address:
            if pool := self._pool():
                pool.disconnect(inuse_connections=False)
            if self._discovery.one_channel or not self._discovery.answers(known.address):
                self._hang_up(known.address)
        return found.address

    def _hang_up(self, address: Address) -> None:
        with self._lock:
            for connection in self._connections:
                connection.hang_up(address)


class MasterConnection(Connection):
    """Connects to whichever server is the master by then; without a `master`, to the address that it was given.

    A reply that only a server gives that is no master ends the connection. The next one leads to the new master, even
    where that has taken over the old one's name in DNS.
    """

    def __init__(self, *, master: Master | None = None, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._master = master

    def hang_up(self, address: Address) -> None:
        """Ends the connection if it leads to this address; a thread that waits on it sees that at once."""
        open_socket = self._sock
        if open_socket is not None and (self.host, self.port) == address:
            with suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> socket.socket:
        if self._master is not None:
            self.host, self.port = self._master.address_for(self)
        opened: socket.socket = super()._connect()  # type: ignore[no-untyped-call]
        return opened

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        """The next reply.

        Raises:
            redis.ConnectionError: also when the reply says that this server is no master.
        """
        try:
            return super().read_response(*arguments, **options)
        except redis.ResponseError as error:
            if not isinstance(error, NOT_THE_MASTER) and not str(error).startswith(DESERTED):
                raise
            self.disconnect()  # type: ignore[no-untyped-call]
            raise redis.ConnectionError(f"{self.host}:{self.port} is no master to write to: {error}") from None


class MasterSSLConnection(MasterConnection, SSLConnection):
    """The same with TLS."""


#: By redis-py's class, the class that replaces it.
MASTER_CONNECTIONS: dict[type, type[Connection]] = {Connection: MasterConnection, SSLConnection: MasterSSLConnection}
