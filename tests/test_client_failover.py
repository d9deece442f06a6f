"""The clients find the master that a replica has become, and what they were waiting for; and any node of a cluster."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from client import AsyncCallboardClient, CallboardClient, NobodyListensError, NoOutcomeError, RedisAwayError
from contract import claim_key
from tests.cluster_of_six import ClusterOfSix
from tests.redis_under_test import Deployment, open_client
from tests.system import System
from tests.waiting import DEADLINE_S, wait_until

#: A Sentinel set takes three seconds, a cluster two; on a machine that is busy with other tests, more.
FAILOVER_DEADLINE_S = 40.0

HEARD = {"reversed_text": "cba"}

#: What a client may be told while there is no master, or the ingress is on its way to the next one.
MEANWHILE = (NobodyListensError, RedisAwayError, NoOutcomeError)


@pytest.fixture
def system(project: Path, deployment: Deployment) -> Iterator[System]:
    with System(project, deployment.url) as system:
        for name in ("ingress", "worker"):
            system.start(name)
        yield system


@pytest.mark.timeout(180)
def test_clients_go_on_with_the_next_master(deployment: Deployment, system: System) -> None:
    is_called = threading.Event()
    with CallboardClient(deployment.url, timeout_s=2) as callboard, ThreadPoolExecutor() as threads:
        going_on = threads.submit(asyncio.run, call_before_and_after(deployment.url, is_called))
        waiting = callboard.with_options(delay_ms=2_000, request_id="waiting").send("reverse_string", text="abc")
        with open_client(deployment.url) as client:
            wait_until(lambda: client.exists(claim_key("python", "waiting")), "the request was taken in")
            assert client.wait(1, 10_000) >= 1
        assert is_called.wait(DEADLINE_S)
        deployment.master().process.kill()

        def is_answered() -> bool:
            try:
                return callboard.call("reverse_string", text="abc") == HEARD
            except MEANWHILE:
                return False

        wait_until(is_answered, "a new request is answered", FAILOVER_DEADLINE_S)
        assert waiting.result(timeout_s=FAILOVER_DEADLINE_S) == HEARD
        going_on.result(FAILOVER_DEADLINE_S)


async def call_before_and_after(url: str, is_called: threading.Event) -> None:
    """Calls, as the event tells, until the master is away, and then until the next one is there."""
    async with AsyncCallboardClient(url, timeout_s=2) as callboard, asyncio.timeout(FAILOVER_DEADLINE_S):

        async def is_answered() -> bool:
            try:
                return bool(await callboard.call("reverse_string", text="abc") == HEARD)
            except MEANWHILE:
                return False

        await callboard.with_options(timeout_s=DEADLINE_S).call("reverse_string", text="abc")
        is_called.set()
        while await is_answered():
            await asyncio.sleep(0.05)
        while not await is_answered():
            await asyncio.sleep(0.05)


@pytest.mark.timeout(180)
def test_any_node_of_a_cluster_will_do_and_need_not_be_where_the_ingress_listens(project: Path) -> None:
    with ClusterOfSix() as cluster:
        with CallboardClient(cluster.nodes[0].url, timeout_s=0.2) as callboard, pytest.raises(NoOutcomeError):
            callboard.call("reverse_string", text="nobody is there, which no node of a cluster knows")
        with System(project, cluster.url) as system:
            system.start("ingress")
            system.start("worker")
            for node in cluster.nodes:
                with CallboardClient(node.url) as callboard:
                    assert callboard.call("reverse_string", text="abc") == HEARD
