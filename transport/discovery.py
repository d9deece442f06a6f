"""Asks Sentinels, or the nodes of a Cluster, which server is the master now."""

import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import redis
from redis.cluster import parse_cluster_slots
from redis.crc import key_slot

from redis_place import Address, RedisPlace

#: How long a Sentinel or a node has for an answer before the next one is asked.
ASK_TIMEOUT_S = 1.0


class Found(NamedTuple):
    """A master, and the number of the election that made it one: an answer with a lower number is out of date."""

    epoch: int
    address: Address


class Discovery:
    """Whom to ask, and what.

    Attributes:
        one_channel: whether what is published on any of the servers is heard on all of them, as in a cluster.
    """

    def __init__(
        self,
        addresses: tuple[Address, ...],
        question: Callable[["redis.Redis", Address], Found],
        complaint: str,
        options: dict[str, Any],
        *,
        one_channel: bool,
    ) -> None:
        self.one_channel = one_channel
        self._addresses = addresses
        self._question = question
        self._complaint = complaint
        self._options = options

    def find(self, known_epoch: int) -> Found:
        """The first master that is named by somebody who knows of this election or a later one, else the latest one.

        Raises:
            redis.ConnectionError: when nobody names one; says everybody's reason.
        """
        outdated: list[Found] = []
        reasons: list[str] = []
        for address in random.sample(self._addresses, len(self._addresses)):
            try:
                with redis.Redis(host=address.host, port=address.port, **self._options) as asked:
                    found = self._question(asked, address)
            except redis.RedisError as error:
                reasons.append(f"{address}: {error}")
            else:
                if found.epoch >= known_epoch:
                    return found
                outdated.append(found)
        if outdated:
            # All are out of date: they have been set up anew, and count elections from the beginning.
            return max(outdated)
        raise redis.ConnectionError(f"{self._complaint} ({'; '.join(sorted(reasons))})")

    def answers(self, address: Address) -> bool:
        """Whether a server answers there, whatever it says."""
        try:
            with redis.Redis(host=address.host, port=address.port, **self._options) as asked:
                asked.ping()
        except (redis.AuthenticationError, redis.ResponseError):
            return True
        except redis.RedisError:
            return False
        return True


def discovery(place: RedisPlace, key_prefix: str, options: Mapping[str, Any]) -> Discovery | None:
    """How the master of this place is found; None for a single server, where there is nobody to ask.

    Parameters:
        key_prefix: what every key begins with; in a cluster its hash tag decides the slot.
        options: those of the connections to the master, by redis-py's names. TLS is the same to those who are asked.
    """
    asking = {name: value for name, value in options.items() if name.startswith("ssl_")}
    asking |= {"ssl": place.server_url.startswith("rediss:"), "retry": options["retry"], "protocol": 2}
    asking |= {"socket_timeout": ASK_TIMEOUT_S, "socket_connect_timeout": ASK_TIMEOUT_S}
    if place.sentinels:
        asking |= {"username": place.sentinel_username, "password": place.sentinel_password}
        complaint = f"no Sentinel names a master {place.master!r}"
        question = partial(_master_of_sentinel, place.master)
        return Discovery(place.sentinels, question, complaint, asking, one_channel=False)
    if place.nodes:
        asking |= {name: options.get(name) for name in ("username", "password")}
        slot = key_slot(key_prefix.encode())
        complaint = f"no node says who has slot {slot}"
        return Discovery(place.nodes, partial(_owner_of_slot, slot), complaint, asking, one_channel=True)
    return None


def _master_of_sentinel(name: str, sentinel: "redis.Redis", _: Address) -> Found:
    masters: Any = sentinel.sentinel_masters()
    state = masters.get(name)
    if state is None:
        raise redis.ConnectionError("it knows no such master")
    if not state["is_master"] or state["is_sdown"] or state["is_odown"]:
        raise redis.ConnectionError("the master is down")
    return Found(state["config-epoch"], Address(state["ip"], state["port"]))


def _owner_of_slot(slot: int, node: "redis.Redis", address: Address) -> Found:
    state: Any = node.cluster("INFO")
    if state["cluster_state"] != "ok":
        # It may be cut off from the others, and still believe itself the owner.
        raise redis.ConnectionError("the cluster is down")
    slots = parse_cluster_slots(node.execute_command("CLUSTER SLOTS"), current_host=address.host)
    for (first, last), owners in slots.items():
        if first <= slot <= last:
            return Found(int(state["cluster_current_epoch"]), Address(*owners["primary"]))
    raise redis.ConnectionError("nobody has it")
