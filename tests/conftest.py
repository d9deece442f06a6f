"""What the tests stand on: a Redis of their own and whole Callboard systems on it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from client.redis_server import RedisServer
from errors import RedisServerError
from tests.acl_server import denials
from tests.cluster_of_six import ClusterOfSix
from tests.fleet import Fleet
from tests.redis_under_test import Deployment, open_client, start_redis
from tests.sentinel_set import SentinelSet
from tests.system import System, copy_project
from tests.wire import Wire

TRIAL_TASKS = Path(__file__).parent / "trial_tasks.py"

#: Keys that are there for good: Dramatiq's list of workers, the dead letters, which are cleared by themselves, and the
#: stream with its consumer group.
KEPT_FOR_GOOD = (
    "tasks:stream",
    "callboard:later:tasks",
    "dramatiq:__heartbeats__",
    "dramatiq:default.XQ",
    "dramatiq:default.XQ.msgs",
)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer | Deployment]:
    """A Redis that only these tests use."""
    try:
        server = start_redis()
    except RedisServerError as error:
        if "CI" in os.environ:
            pytest.fail(str(error))
        pytest.skip(str(error))
    with server:
        yield server
        assert denials(server.url) == set()


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator["redis.Redis"]:
    """A client of the tests' Redis, which is empty at the start and has no key without a TTL at the end."""
    with open_client(redis_server.url) as client:
        client.flushall()
        yield client
        assert_no_key_leaks(client)


@pytest.fixture(params=[SentinelSet, ClusterOfSix])
def deployment(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """A Redis of the test's own whose master may go."""
    with request.param() as started:
        yield started


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with one more file in `actors/`: the tasks that the tests need."""
    return copy_project(tmp_path_factory.mktemp("project"), {"trials.py": TRIAL_TASKS.read_text()})


@pytest.fixture(scope="session")
def system(project: Path) -> Iterator[System]:
    """An ingress and a worker, as a user starts them, on a Redis of their own; shared by all tests that only ask."""
    with start_redis() as server, System(project, server.url) as system:
        system.start("ingress")
        system.start("worker")
        yield system
        assert denials(server.url) == set()
        with open_client(server.url) as client:
            assert_no_key_leaks(client)


@pytest.fixture
def own(project: Path, redis_server: RedisServer, client: "redis.Redis") -> Iterator[System]:
    """A system that the test starts and stops itself, on the tests' empty Redis."""
    with System(project, redis_server.url) as system:
        yield system


@pytest.fixture
def wire(system: System) -> Iterator[Wire]:
    """A client of the shared system that knows nothing but the wire."""
    with Wire(system.redis_url) as wire:
        yield wire


def assert_no_key_leaks(client: "redis.Redis") -> None:
    """Fails when a key would stay in Redis for ever."""
    leaked = [key.decode() for key in client.scan_iter() if client.ttl(key) == -1]
    assert [key for key in leaked if key not in KEPT_FOR_GOOD] == []


@pytest.fixture
def fleet(redis_server: RedisServer, client: "redis.Redis") -> Iterator[Fleet]:
    """Workers on the suite's Redis."""
    fleet = Fleet(redis_server.url, client)
    yield fleet
    for broker in fleet.brokers:
        broker.close()
        broker.client.close()
    # What the test has left waiting. Anything else without a TTL is a leak, which `client` looks for.
    for queue_name in ("default", "default.DQ"):
        client.delete(f"dramatiq:{queue_name}", f"dramatiq:{queue_name}.msgs")
