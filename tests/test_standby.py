"""What a standby ingress has heard that nobody else has."""

import threading
from contextlib import ExitStack

import pytest
import redis
from loguru import logger

import ingress.replica
from client.redis_server import RedisServer
from tests.replicas import replica_on
from tests.system import System
from tests.waiting import wait_until
from tests.wire import Wire, new_user
from transport.connection import StopRequest, connect

REQUEST = b'{"task_type": "reverse_string", "user_id": "u", "parameters": {"text": "hello"}}'


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


def test_a_standby_forgets_what_was_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingress.replica, "TRIM_S", 0.0)
    lines: list[str] = []
    sink = logger.add(lines.append, format="{message}")
    stops = [StopRequest(), StopRequest()]
    burst, bursts = 5, 40

    def times_taken_over() -> int:
        return sum("Takes requests in from now on" in line for line in lines)

    with RedisServer() as server, connect(server.url) as operator, ExitStack() as stack:
        for number, stop in enumerate(stops):
            client = stack.enter_context(connect(server.url))
            # Room for a few bursts, and in the standby for twice as many.
            replica = replica_on(client, stop, backlog_bytes=3 * burst * len(REQUEST))
            threading.Thread(target=replica.run, daemon=True).start()
            wait_until(lambda number=number: listeners(operator) > number, "it listens")  # type: ignore[misc]
            wait_until(times_taken_over, "one of them leads")
        for number in range(1, bursts + 1):
            for _ in range(burst):
                operator.publish("tasks", REQUEST)
            wait_until(lambda number=number: taken_in(operator) == number * burst, "they are taken in")  # type: ignore[misc]
        stops[0].request()
        wait_until(lambda: times_taken_over() == 2, "the other one leads")
        stops[1].request()
        wait_until(lambda: not listeners(operator), "both have stopped")
    logger.remove(sink)
    assert [line for line in lines if "had to be dropped" in line] == []


def listeners(operator: "redis.Redis") -> int:
    return int(operator.pubsub_numsub("tasks")[0][1])


def taken_in(operator: "redis.Redis") -> int:
    return int(operator.hlen("dramatiq:default.msgs"))
