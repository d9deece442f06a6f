"""A stock Dramatiq program can fill Callboard's queues and drain them: the messages and their layout are the same."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Callbacks
from dramatiq.worker import Worker

from client.redis_server import RedisServer
from tests.redis_under_test import open_client, stock_broker
from tests.system import System, copy_project
from tests.waiting import wait_until
from tests.wire import Wire, new_user

CALLBACKS = """
from typing import Any

from dramatiq.middleware import Callbacks

from broker import broker
from task import task

broker.add_middleware(Callbacks())


@task()
def afterwards(message: dict[str, Any], result: None) -> dict[str, str]:
    return {"after": message["actor_name"]}
"""


def stock_actor(broker: RedisBroker, calls: list[dict[str, Any]]) -> dramatiq.Actor[..., Any]:
    """`reverse_string` of a program that knows nothing of Callboard; it notes what it is called with."""

    def reverse_string(**parameters: Any) -> None:
        calls.append(parameters)

    return dramatiq.actor(actor_name="reverse_string", broker=broker)(reverse_string)


@pytest.fixture
def broker(system: System) -> Iterator[RedisBroker]:
    """That of a program which has nothing of Callboard."""
    broker = stock_broker(system.redis_url)
    yield broker
    broker.client.close()


def test_a_message_of_a_plain_send_runs_here(system: System, broker: RedisBroker) -> None:
    actor = stock_actor(broker, [])
    sent = actor.send(text="abc")
    with open_client(system.redis_url) as client:
        kept = wait_until(lambda: client.get(f"callboard:outcome:{sent.message_id}"), "the outcome is kept")
    outcome = json.loads(kept or b"")
    assert (outcome["result"], outcome["user_id"]) == ({"reversed_text": "cba"}, None)


def test_of_a_plain_pipeline_only_the_first_message_runs(system: System, broker: RedisBroker) -> None:
    actor = stock_actor(broker, [])
    first, second = actor.message(text="abc"), actor.message(text="def")
    dramatiq.pipeline([first, second], broker=actor.broker).run()
    with open_client(system.redis_url) as client:
        wait_until(lambda: client.get(f"callboard:outcome:{first.message_id}"), "the first is performed")
        later = actor.send(text="and now one that shows that no more follow")
        wait_until(lambda: client.get(f"callboard:outcome:{later.message_id}"), "the last is performed")
        assert client.get(f"callboard:outcome:{second.message_id}") is None


def test_middleware_that_a_file_of_tasks_adds_does_its_work(
    tmp_path: Path, redis_server: RedisServer, client: "redis.Redis"
) -> None:
    stock = stock_broker(redis_server.url)
    stock.add_middleware(Callbacks())
    project = copy_project(tmp_path, {"callbacks.py": CALLBACKS})
    with System(project, redis_server.url) as own, Wire(redis_server.url) as wire:
        own.start("worker")
        stock_actor(stock, []).send_with_options(kwargs={"text": "abc"}, on_success="afterwards")
        told = [wire.outcome_of(None) for _ in range(2)]
    stock.client.close()
    assert {outcome["task_type"]: outcome["result"] for outcome in told} == {
        "reverse_string": {"reversed_text": "cba"},
        "afterwards": {"after": "reverse_string"},
    }


def test_a_message_of_a_plain_send_for_no_task_is_answered_too(broker: RedisBroker, wire: Wire) -> None:
    message: dramatiq.Message[Any] = dramatiq.Message("default", "make_tea", (), {}, {})
    broker.enqueue(message)
    outcome = wire.outcome_of(None)
    assert (outcome["error_code"], outcome["error"]) == ("unknown_task", "Task type not found: make_tea")


@pytest.mark.parametrize(
    "options", [{"retries": 1.5}, {"retries": "x"}, {"max_retries": "x"}, {"time_limit": "x"}], ids=str
)
@pytest.mark.parametrize("task_type", ["reverse_string", "always_fails"])
def test_a_message_with_options_that_are_none_of_dramatiqs_is_answered(
    broker: RedisBroker, wire: Wire, task_type: str, options: dict[str, Any]
) -> None:
    user_id = new_user()
    parameters = {"text": "abc"} if task_type == "reverse_string" else {}
    broker.enqueue(
        dramatiq.Message("default", task_type, (), parameters, {"callboard": {"user_id": user_id}, **options})
    )
    assert wire.outcome_of(user_id)["task_type"] == task_type


def test_a_message_that_says_what_its_task_throws_costs_no_thread(
    system: System, broker: RedisBroker, wire: Wire
) -> None:
    user_id = new_user()
    options = {"callboard": {"user_id": user_id}, "throws": "RuntimeError"}
    broker.enqueue(dramatiq.Message("default", "always_fails", (), {}, options))
    assert wire.outcome_of(user_id)["error"] == "this never works"
    assert "An error that nothing has caught" not in system.log("worker")


@pytest.mark.parametrize(
    "reply",
    [{"reply_to": True}, {"reply_to": 5}, {"request_id": 5}, {"traceparent": ["x"]}, {"user_id": 1.5}],
    ids=str,
)
def test_a_message_whose_outcome_could_not_be_written_is_a_dead_letter(
    broker: RedisBroker, wire: Wire, reply: dict[str, Any]
) -> None:
    users = [new_user() for _ in range(24)]
    for user_id in users:
        wire.publish({"task_type": "reverse_string", "user_id": user_id, "parameters": {"text": "abc"}})
    options = {"callboard": {"user_id": "odd"} | reply}
    message = broker.enqueue(dramatiq.Message("default", "reverse_string", (), {"text": "abc"}, options))
    letter_id = message.options["redis_message_id"]
    assert {wire.outcome_of(user_id)["status"] for user_id in users} == {"completed"}
    wait_until(lambda: wire.client.hdel("dramatiq:default.XQ.msgs", letter_id), "it is a dead letter")
    wire.client.zrem("dramatiq:default.XQ", letter_id)


def test_a_request_runs_on_a_stock_worker(system: System, redis_server: RedisServer, client: "redis.Redis") -> None:
    calls: list[dict[str, Any]] = []
    stock = stock_broker(redis_server.url)
    actor = stock_actor(stock, calls)
    with System(system.project, redis_server.url) as own:
        own.start("ingress")
        client.publish("tasks", b'{"task_type": "reverse_string", "user_id": "u", "parameters": {"text": "abc"}}')
        worker = Worker(actor.broker, worker_timeout=50, worker_threads=1)
        worker.start()
        wait_until(lambda: calls, "the stock worker calls its actor")
        worker.join()
        worker.stop()
    stock.client.close()
    assert calls == [{"text": "abc"}]
