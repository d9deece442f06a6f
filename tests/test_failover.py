"""A master is gone and a replica takes its place: every process finds it, and what was replicated is answered."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests.redis_under_test import Deployment, open_client
from tests.sentinel_set import SentinelSet
from tests.system import System, write_config
from tests.waiting import wait_until
from tests.wire import Wire, new_user

REQUESTS = 50

#: A Sentinel set takes three seconds, a cluster two; on a machine that is busy with other tests, more.
FAILOVER_DEADLINE_S = 40.0

JOB = {"name": "tick", "interval_s": 0.2, "task_type": "generate_random_number", "user_id": "clock"}


@pytest.fixture
def system(project: Path, deployment: Deployment, tmp_path: Path) -> Iterator[System]:
    config = write_config(tmp_path, schedule=[JOB])
    variables = {"CALLBOARD_CONFIG": str(config), "dramatiq_restart_delay": "100"}
    with System(project, deployment.url, **variables) as system:
        for name in ("ingress", "worker", "scheduler"):
            system.start(name)
        yield system


def kill(deployment: Deployment) -> None:
    deployment.master().process.kill()


def hand_over(deployment: Deployment) -> None:
    """What an operator does before maintenance: the master lives on, as a replica."""
    if isinstance(deployment, SentinelSet):
        with open_client(deployment.sentinels[0].url) as sentinel:
            sentinel.execute_command("SENTINEL", "FAILOVER", "mymaster")
    else:
        with open_client(deployment.nodes[deployment.nodes.index(deployment.master()) + 3].url) as replica:
            replica.execute_command("CLUSTER", "FAILOVER")


@pytest.mark.parametrize("change", [kill, hand_over])
@pytest.mark.timeout(180)
def test_what_was_replicated_is_answered_and_so_is_everything_new(
    deployment: Deployment, system: System, change: Callable[[Deployment], None]
) -> None:
    before = deployment.master().port
    with Wire(deployment.url) as wire:
        requests = publish(wire)
        wait_until(lambda: accepted(wire.client, requests) == set(requests), "each request is on the queue or answered")
        assert wire.client.wait(1, 10_000) >= 1
        change(deployment)
    wait_until(lambda: hears_elsewhere(deployment, before), "the ingress hears another master", FAILOVER_DEADLINE_S)
    with Wire(deployment.url) as wire:
        requests += publish(wire)
        wait_until(lambda: answered(wire.client, requests) == set(requests), "all are answered", FAILOVER_DEADLINE_S)
        assert wire.outcome_of("clock")["status"] == "completed"
    assert system.runs("ingress", "worker", "scheduler")


def publish(wire: Wire) -> list[str]:
    """Sends requests that take a while, and returns their request ids."""
    users = [new_user() for _ in range(REQUESTS)]
    for user_id in users:
        request = {"task_type": "waits", "user_id": user_id, "request_id": "r", "parameters": {"seconds": 0.1}}
        # Not `wire.publish`: the ingress may listen on another node of a cluster, and Redis does not count that one.
        wire.client.publish("tasks", json.dumps(request))
    return users


def answered(client: "redis.Redis", users: list[str]) -> set[str]:
    try:
        return {user_id for user_id in users if client.exists(f'callboard:outcome:"{user_id}":r')}
    except redis.ConnectionError:  # the nodes of a cluster do not hear of a new master all at once
        return set()


def accepted(client: "redis.Redis", users: list[str]) -> set[str]:
    """One that was waiting may be answered by now: it is counted once."""
    waiting = [json.loads(message)["options"]["callboard"] for message in client.hvals("dramatiq:default.msgs")]
    return answered(client, users) | {reply["user_id"] for reply in waiting} & set(users)


def hears_elsewhere(deployment: Deployment, port: int) -> bool:
    """In one look, since the nodes of a cluster name the old master and the new one by turns for a moment."""
    try:
        master = deployment.master()
    except redis.RedisError:
        return False
    return master.port != port and listeners(master.url) > 0


def listeners(url: str) -> int:
    with open_client(url) as client:
        try:
            ((_, count),) = client.pubsub_numsub("tasks")
        except redis.RedisError:
            return 0
        return int(count)
