"""How an ingress reads the stream of requests."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
import redis

import actors  # noqa: F401 - declares the tasks
from actors.reverse import ReversedText
from broker import answers
from client.redis_server import RedisServer
from ingress.crowd import BEHIND
from ingress.gate import Gate
from ingress.intake import Intake
from ingress.queue_bound import QueueBound
from ingress.tasks_stream import READ, READ_BYTES, TasksStreamReader
from setting_sections import Limits
from task import catalogue, task
from tests.replicas import refusing_intake
from tests.samples import request_bytes, undo_declarations  # noqa: F401 - a fixture
from tests.waiting import wait_until
from transport.arrivals import GROUP, Origin
from transport.connection import StopRequest, connect
from transport.redis_broker import CallboardBroker
from transport.watchdog import Watchdog

STREAM = "tasks:stream"


@pytest.fixture
def own_redis() -> Iterator["redis.Redis"]:
    with RedisServer() as server, connect(server.url) as client:
        yield client


@pytest.fixture
def heard(own_redis: "redis.Redis") -> Iterator["redis.client.PubSub"]:
    with own_redis.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe("results")
        heard.get_message(timeout=10)
        yield heard


def answered(client: "redis.Redis", heard: "redis.client.PubSub") -> list[str]:
    """The users who were answered since this was asked, in that order."""
    client.publish("results", b"{}")
    return [outcome["user_id"] for outcome in iter(lambda: json.loads(heard.get_message(timeout=10)["data"]), {})]


@contextmanager
def reading(reader: TasksStreamReader) -> Iterator[None]:
    thread = threading.Thread(target=reader.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        reader.stop.request()
        thread.join()


def reader_on(client: "redis.Redis", stop: StopRequest) -> TasksStreamReader:
    """One that answers each request at once, since it knows no task."""
    broker = CallboardBroker(client, middleware=[])
    bound = QueueBound(broker, 1_000_000)
    return TasksStreamReader(client, STREAM, refusing_intake(broker, bound, stop), stop, bound, Watchdog())


def narrow_reader_on(client: "redis.Redis") -> TasksStreamReader:
    """One that knows the tasks, and whose queues have room for one message."""
    broker, stop = CallboardBroker(client, middleware=[]), StopRequest()
    bound = QueueBound(broker, 1)
    intake = Intake(Gate(catalogue, Limits()), broker, answers, stop, bound)
    return TasksStreamReader(client, STREAM, intake, stop, bound, Watchdog())


def test_of_large_requests_fewer_are_read_together(own_redis: "redis.Redis") -> None:
    reader = reader_on(own_redis, StopRequest())
    assert reader.count == READ
    large = request_bytes(text="x" * 500_000)
    reader.take([(large, "")] * 2, Origin())
    assert reader.count == READ_BYTES // (len(large) + 1)
    reader.take([(request_bytes(), "")], Origin())
    assert reader.count == READ


def test_whoever_has_read_nothing_for_long_is_forgotten_but_not_with_entries_that_it_holds(
    own_redis: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingress.stream.FORGET_MS", -1)
    own_redis.xadd(STREAM, {"request": "{}"})
    own_redis.xgroup_create(STREAM, GROUP, id="0")
    # In the order in which Redis names them.
    own_redis.xreadgroup(GROUP, "a-holder", {STREAM: ">"})
    own_redis.xgroup_createconsumer(STREAM, GROUP, "b-idle")

    def consumers() -> set[bytes]:
        found: Any = own_redis.xinfo_consumers(STREAM, GROUP)
        return {consumer["name"] for consumer in found}

    with reading(reader_on(own_redis, StopRequest())):
        wait_until(lambda: b"b-idle" not in consumers(), "it is forgotten")
        assert b"a-holder" in consumers()


def add(client: "redis.Redis", *users: str) -> list[str]:
    """Adds a request of each of these users, and returns the entry ids."""
    with client.pipeline(transaction=False) as pipeline:
        for user_id in users:
            pipeline.xadd(STREAM, {"request": request_bytes(user_id=user_id)})
        return [entry_id.decode() for entry_id in pipeline.execute()]


def test_a_reader_that_is_behind_takes_in_what_others_than_a_crowd_have_sent_first(
    own_redis: "redis.Redis", heard: "redis.client.PubSub"
) -> None:
    users = ["flooder"] * (4 * BEHIND) + ["other"]
    add(own_redis, *users)
    with reading(reader_on(own_redis, StopRequest())):
        wait_until(lambda: not own_redis.xlen(STREAM), "all are taken in")
    order = answered(own_redis, heard)
    assert sorted(order) == users
    # It looks ahead once it is behind, and takes in some of the flood that it sees before it knows that it is one.
    assert order.index("other") < 2 * BEHIND
    assert own_redis.xpending(STREAM, GROUP)["pending"] == 0


def test_many_users_are_no_crowd_and_are_taken_in_in_their_order(
    own_redis: "redis.Redis", heard: "redis.client.PubSub"
) -> None:
    users = [f"user-{number:05}" for number in range(2 * BEHIND)]
    add(own_redis, *users)
    with reading(reader_on(own_redis, StopRequest())):
        wait_until(lambda: not own_redis.xlen(STREAM), "all are taken in")
    assert answered(own_redis, heard) == users


def read(client: "redis.Redis") -> None:
    client.xreadgroup(GROUP, "another", {STREAM: ">"})


def trim(client: "redis.Redis") -> None:
    client.xtrim(STREAM, maxlen=0)


@pytest.mark.parametrize(
    ("before", "times"),
    [((), 1), ((read,), 1), ((read, trim), 1), ((trim,), 0)],
    ids=["only seen", "read by another", "trimmed after it was read", "trimmed before"],
)
def test_an_entry_is_taken_in_once_by_whoever_comes_first(
    own_redis: "redis.Redis",
    heard: "redis.client.PubSub",
    before: tuple[Callable[["redis.Redis"], None], ...],
    times: int,
) -> None:
    own_redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    (entry_id,) = add(own_redis, "somebody")
    for step in before:
        step(own_redis)
    origin = Origin(stream=STREAM, group=GROUP)
    for _ in range(2):
        reader_on(own_redis, StopRequest()).intake.take([(request_bytes(user_id="somebody"), entry_id)], origin)
    assert answered(own_redis, heard) == ["somebody"] * times
    assert cast(Any, own_redis.xreadgroup(GROUP, "me", {STREAM: ">"})) in ([], None, {})
    assert own_redis.xpending(STREAM, GROUP)["pending"] == 0
    assert own_redis.xlen(STREAM) == 0


@pytest.mark.usefixtures("undo_declarations")
def test_while_a_queue_is_full_what_is_for_others_is_taken_in_and_the_rest_waits(own_redis: "redis.Redis") -> None:
    @task(queue_name="quick")
    def quick() -> ReversedText:
        return ReversedText(reversed_text="")

    def on_queue(name: str) -> int:
        return own_redis.hlen(f"dramatiq:{name}.msgs")

    with reading(narrow_reader_on(own_redis)):
        add(own_redis, "first")
        wait_until(lambda: on_queue("default"), "the queue is full")
        add(own_redis, "second", "third")
        own_redis.xadd(STREAM, {"request": request_bytes(task_type="quick", parameters={})})
        wait_until(lambda: on_queue("quick"), "what is for another queue is taken in")
        assert (on_queue("default"), own_redis.xlen(STREAM)) == (1, 2)
        own_redis.delete("dramatiq:default.msgs", "dramatiq:quick.msgs")
        wait_until(lambda: not own_redis.xlen(STREAM), "the rest is taken in once there is room")
        assert (on_queue("default"), on_queue("quick")) == (2, 0)
