"""A process that waits for Redis needs no restart: what it holds would be lost with it."""

from functools import partial
from pathlib import Path

from client.redis_server import RedisServer
from tests.waiting import wait_until
from tests.watched import Watched
from transport.connection import connect

ROLES = ("ingress", "worker", "scheduler")


def test_a_process_needs_no_restart_while_redis_answers_and_refuses_to_write(project: Path, tmp_path: Path) -> None:
    with RedisServer() as server, Watched(project, server.url, tmp_path) as own, connect(server.url) as client:
        own.launch_all(ROLES)
        client.config_set("min-replicas-to-write", 1)
        for role in ROLES:
            wait_until(partial(says_why, own, role), f"{role} is not ready, and says why")
            status, page = own.page(role, "/healthz")
            assert (status, page["reasons"]) == (200, [])
        client.config_set("min-replicas-to-write", 0)
        for role in ROLES:
            own.wait_until_ready(role)


def says_why(own: Watched, role: str) -> bool:
    reasons = own.reasons(role)
    return bool(reasons) and all("NOREPLICAS" in reason for reason in reasons)
