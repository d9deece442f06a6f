"""A Redis Cluster of three masters and three replicas, on loopback ports."""

from contextlib import ExitStack
from itertools import pairwise
from typing import Any, Self

from client.redis_server import RedisServer
from tests.ports import free_ports
from tests.waiting import wait_until
from transport.connection import connect

NODE_TIMEOUT_MS = 1_000
OPTIONS = (
    "--cluster-enabled",
    "yes",
    "--cluster-node-timeout",
    str(NODE_TIMEOUT_MS),
    "--repl-diskless-sync-delay",
    "0",
)

SLOT_BOUNDS = (0, 5461, 10923, 16384)
MASTERS = 3


class ClusterOfSix:
    """Ready when it is made; `url` is what Callboard gets, `nodes` are first the three masters, then their replicas."""

    def __init__(self, *options: str) -> None:
        with ExitStack() as started:
            # The second port, of the nodes among themselves, is 10,000 above the first by default: out of range, often.
            ports = free_ports(4 * MASTERS)
            self._bus_ports = ports[: 2 * MASTERS]
            self.nodes = [
                started.enter_context(RedisServer(*OPTIONS, *options, "--cluster-port", str(bus_port), port=port))
                for bus_port, port in zip(self._bus_ports, ports[2 * MASTERS :], strict=True)
            ]
            self.port = self.nodes[0].port
            self.url = f"redis+cluster://{','.join(f'127.0.0.1:{node.port}' for node in self.nodes)}"
            self._join()
            self._started = started.pop_all()

    def master(self) -> RedisServer:
        """The node that has Callboard's slot now."""
        with connect(self.url) as client:
            connection = client.connection_pool.get_connection()
            port = connection.port
            client.connection_pool.release(connection)
        return next(node for node in self.nodes if node.port == port)

    def _join(self) -> None:
        for number, (node, (first, end)) in enumerate(zip(self.nodes, pairwise(SLOT_BOUNDS), strict=False)):
            _tell(node, "SET-CONFIG-EPOCH", number + 1)
            _tell(node, "ADDSLOTSRANGE", first, end - 1)
        for node, bus_port in zip(self.nodes[1:], self._bus_ports[1:], strict=True):
            _tell(self.nodes[0], "MEET", "127.0.0.1", node.port, bus_port)
        for node in self.nodes:
            wait_until(lambda one=node: int(_info(one)["cluster_known_nodes"]) == len(self.nodes), "all have met")  # type: ignore[misc]
        for replica, master in zip(self.nodes[MASTERS:], self.nodes[:MASTERS], strict=True):
            _tell(replica, "REPLICATE", _tell(master, "MYID").decode())
        for node in self.nodes:
            wait_until(lambda one=node: _info(one)["cluster_state"] == "ok", "the cluster is up")  # type: ignore[misc]
        for replica in self.nodes[MASTERS:]:
            wait_until(lambda one=replica: _follows(one), "each replica is in sync")  # type: ignore[misc]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._started.close()


def _tell(node: RedisServer, *words: str | int) -> Any:
    with connect(node.url) as client:
        return client.execute_command("CLUSTER", *words)


def _info(node: RedisServer) -> Any:
    with connect(node.url) as client:
        return client.cluster("INFO")


def _follows(replica: RedisServer) -> bool:
    with connect(replica.url) as client:
        state: Any = client.info("replication")
        return bool(state.get("master_link_status") == "up")
