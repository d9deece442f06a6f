"""What an ingress says of a Redis that removes keys."""

from pathlib import Path

import pytest

from client.redis_server import RedisServer
from tests.system import System


@pytest.mark.parametrize(("policy", "is_told"), [("allkeys-lru", True), ("volatile-lru", True), ("noeviction", False)])
def test_an_ingress_says_where_redis_may_remove_queues(project: Path, policy: str, is_told: bool) -> None:
    with RedisServer("--maxmemory-policy", policy) as server, System(project, server.url) as system:
        system.start("ingress")
        warning = f"its maxmemory-policy is {policy!r}, set it to 'noeviction'"
        assert (warning in system.log("ingress")) == is_told
