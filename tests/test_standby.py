"""What a standby ingress has heard that nobody else has."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from client.redis_server import RedisServer
from tests.system import System
from tests.wire import Wire, new_user


@pytest.fixture
def own(project: Path, redis_server: RedisServer, client: "redis.Redis") -> Iterator[System]:
    with System(project, redis_server.url) as system:
        yield system


@pytest.mark.parametrize("count", [1, 600])
def test_what_only_a_frozen_standby_has_heard_is_answered_though_another_one_leads(own: System, count: int) -> None:
    own.start("worker")
    own.start("ingress")
    own.start("ingress", as_="standby")
    with Wire(own.redis_url) as wire:
        wire.ask("reverse_string", {"text": "both of them have heard it"})
        users = [new_user() for _ in range(count)]
        with own.suspended("standby"):
            own.kill("ingress")
            for user_id in users:
                wire.publish({"task_type": "reverse_string", "user_id": user_id, "parameters": {"text": "hello"}})
            # It cannot wait for the standby any longer than it may wait for one that is dead.
            own.start("ingress")
            wire.ask("reverse_string", {"text": "the new one leads"})
        assert {wire.outcome_of(user_id)["status"] for user_id in users} == {"completed"}
        wire.ask("reverse_string", {"text": "and no more outcomes come"})
        assert wire.heard == []
