"""A process that waits for Redis needs no restart: what it holds would be lost with it."""

from pathlib import Path

import pytest

from client.redis_server import RedisServer
from tests.test_health import Watched
from tests.waiting import wait_until
from transport.connection import connect


@pytest.mark.parametrize("role", ["ingress", "worker", "scheduler"])
def test_a_process_needs_no_restart_while_redis_answers_and_refuses_to_write(
    project: Path, tmp_path: Path, role: str
) -> None:
    with RedisServer() as server, Watched(project, server.url, tmp_path) as own, connect(server.url) as client:
        own.start(role)
        wait_until(lambda: own.page(role, "/readyz")[0] == 200, "it is ready")
        client.config_set("min-replicas-to-write", 1)
        wait_until(lambda: own.page(role, "/readyz")[0] == 503, "it is not ready")
        wait_until(lambda: all("NOREPLICAS" in each for each in own.page(role, "/readyz")[1]["reasons"]), "it says why")
        assert own.page(role, "/healthz") == (200, own.page(role, "/healthz")[1] | {"reasons": []})
        client.config_set("min-replicas-to-write", 0)
        wait_until(lambda: own.page(role, "/readyz")[0] == 200, "it goes on")
