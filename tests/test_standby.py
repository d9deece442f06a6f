"""What a standby ingress has heard that nobody else has."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

import ingress.replica
from client.redis_server import RedisServer
from tests.replicas import replica_on
from tests.system import System
from tests.waiting import wait_until
from tests.wire import Wire, new_user
from transport.connection import StopRequest, connect

REQUEST = b'{"task_type": "reverse_string", "user_id": "u", "parameters": {"text": "hello"}}'


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


def test_a_standby_that_was_cut_off_listens_again_before_it_knows_what_becomes_of_what_it_has_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As long as another one has the lease, which is no more than it has left of it once that has died.
    monkeypatch.setattr(ingress.replica, "LEASE_S", 3600)
    stop = StopRequest()
    with RedisServer() as server, connect(server.url) as client, connect(server.url) as operator:
        operator.set("callboard:lease:tasks", "another one")
        standby = threading.Thread(target=replica_on(client, stop).run, daemon=True)
        standby.start()
        wait_until(lambda: operator.publish("tasks", REQUEST), "it listens")
        operator.client_kill_filter(_type="pubsub")
        wait_until(lambda: operator.publish("tasks", REQUEST), "it listens again")
        operator.delete("callboard:lease:tasks")
        wait_until(lambda: operator.hlen("dramatiq:default.msgs") == 2, "both are taken in")
        stop.request()
        standby.join()
