"""Which Redis is the master now: asked for each new connection, and a server that is not it any more is hung up on."""

import random
import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import redis
from redis.cluster import parse_cluster_slots
from redis.connection import Connection, SSLConnection
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, ReadOnlyError

from redis_place import Address, RedisPlace

#: How long a Sentinel or a node of a cluster has for an answer before the next one is asked.
ASK_TIMEOUT_S = 1.0

#: What a server says that has become a replica, has given the slot away or has lost its cluster. MOVED is an AskError
#: and MASTERDOWN a ClusterDownError in redis-py.
NOT_THE_MASTER = (ReadOnlyError, AskError, ClusterDownError)

#: What one says whose replicas are gone, with min-replicas-to-write: they may follow another master by now.
DESERTED = "NOREPLICAS"

Question = Callable[["redis.Redis", Address], Address]


class MasterConnection(Connection):
    """Connects to the address that `find` names, each time anew, or else to the one it was given.

    An answer that only a server gives that is not the master ends the connection: the next one is to the new master,
    by `find` or because a name has another address by then.
    """

    def __init__(self, *, find: Callable[[], Address] | None = None, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._find = find

    def _connect(self) -> socket.socket:
        if self._find is not None:
            self.host, self.port = self._find()
        opened: socket.socket = super()._connect()  # type: ignore[no-untyped-call]
        return opened

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        """The next reply.

        Raises:
            redis.ConnectionError: also when the reply says that this server is not the master.
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


#: Which of them takes the place of which of redis-py's.
MASTER_CONNECTIONS: dict[type, type[Connection]] = {Connection: MasterConnection, SSLConnection: MasterSSLConnection}


def finder(place: RedisPlace, key_prefix: str, options: Mapping[str, Any]) -> Callable[[], Address] | None:
    """What names the master of this place; None for a single server, which is always the same.

    Parameters:
        key_prefix: what every key begins with; in a cluster its hash tag decides the slot.
        options: of the connections to the master, in redis-py's names. TLS is the same on those to whom is asked.
    """
    asking = {name: value for name, value in options.items() if name.startswith("ssl_")}
    asking |= {"ssl": place.server_url.startswith("rediss:"), "retry": options["retry"], "protocol": 2}
    asking |= {"socket_timeout": ASK_TIMEOUT_S, "socket_connect_timeout": ASK_TIMEOUT_S}
    if place.sentinels:
        asking |= {"username": place.sentinel_username, "password": place.sentinel_password}
        question = partial(_master_of_sentinel, place.master)
        return partial(_ask, place.sentinels, question, f"no Sentinel names a master {place.master!r}", asking)
    if place.nodes:
        asking |= {name: options.get(name) for name in ("username", "password")}
        slot = key_slot(key_prefix.encode())
        return partial(_ask, place.nodes, partial(_owner_of_slot, slot), f"no node says who has slot {slot}", asking)
    return None


def _ask(addresses: tuple[Address, ...], question: Question, complaint: str, options: dict[str, Any]) -> Address:
    # In random order: one whose answer is out of date is not believed every time.
    reasons = []
    for address in random.sample(addresses, len(addresses)):
        try:
            with redis.Redis(host=address.host, port=address.port, **options) as asked:
                return question(asked, address)
        except redis.RedisError as error:
            reasons.append(f"{address}: {error}")
    raise redis.ConnectionError(f"{complaint} ({'; '.join(sorted(reasons))})")


def _master_of_sentinel(name: str, sentinel: "redis.Redis", _: Address) -> Address:
    masters: Any = sentinel.sentinel_masters()
    state = masters.get(name)
    if state is None:
        raise redis.ConnectionError("it knows no such master")
    if not state["is_master"] or state["is_sdown"] or state["is_odown"]:
        raise redis.ConnectionError("the master is down")
    return Address(state["ip"], state["port"])


def _owner_of_slot(slot: int, node: "redis.Redis", address: Address) -> Address:
    if node.cluster("INFO")["cluster_state"] != "ok":
        # It may be cut off from the others, and believe itself the owner still.
        raise redis.ConnectionError("the cluster is down")
    slots = parse_cluster_slots(node.execute_command("CLUSTER SLOTS"), current_host=address.host)
    for (first, last), owners in slots.items():
        if first <= slot <= last:
            return Address(*owners["primary"])
    raise redis.ConnectionError("nobody has it")
