"""The clients find the master that a replica has become, and what they were waiting for; and any node of a cluster."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from client import AsyncCallboardClient, CallboardClient, NobodyListensError, NoOutcomeError, RedisAwayError
from contract import claim_key
from tests.cluster_of_six import ClusterOfSix
from tests.redis_under_test import Deployment, open_client
from tests.system import TEST_CONFIG, System
from tests.waiting import DEADLINE_S, wait_until

#: A Sentinel set takes three seconds, a cluster two; on a machine that is busy with other tests, more.
FAILOVER_DEADLINE_S = 40.0

#: What a client may be told while there is no master, or the ingress is on its way to the next one.
MEANWHILE = (NobodyListensError, RedisAwayError, NoOutcomeError)


@pytest.fixture
def system(project: Path, deployment: Deployment, tmp_path: Path) -> Iterator[System]:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(TEST_CONFIG))
    with System(project, deployment.url, CALLBOARD_CONFIG=str(config)) as system:
        for name in ("ingress", "worker"):
            system.start(name)
        yield system


@pytest.mark.timeout(180)
def test_a_client_goes_on_with_the_next_master(deployment: Deployment, system: System) -> None:
    with CallboardClient(deployment.url, timeout_s=2) as callboard:
        waiting = callboard.with_options(delay_ms=2_000, request_id="waiting").send("reverse_string", text="abc")
        with open_client(deployment.url) as client:
            wait_until(lambda: client.exists(claim_key("python", "waiting")), "the request was taken in")
            assert client.wait(1, 10_000) >= 1
        deployment.master().process.kill()

        def is_answered() -> bool:
            try:
                return callboard.call("reverse_string", text="abc") == {"reversed_text": "cba"}
            except MEANWHILE:
                return False

        wait_until(is_answered, "a new request is answered", FAILOVER_DEADLINE_S)
        assert waiting.result(timeout_s=FAILOVER_DEADLINE_S) == {"reversed_text": "cba"}


@pytest.mark.timeout(180)
def test_an_async_client_goes_on_with_the_next_master(deployment: Deployment, system: System) -> None:
    async def call_until_answered() -> None:
        async with AsyncCallboardClient(deployment.url, timeout_s=2) as callboard, asyncio.timeout(FAILOVER_DEADLINE_S):
            await callboard.with_options(timeout_s=DEADLINE_S).call("reverse_string", text="abc")
            deployment.master().process.kill()
            while True:
                try:
                    assert await callboard.call("reverse_string", text="abc") == {"reversed_text": "cba"}
                except MEANWHILE:
                    await asyncio.sleep(0.1)
                else:
                    return

    asyncio.run(call_until_answered())


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
                    assert callboard.call("reverse_string", text="abc") == {"reversed_text": "cba"}
