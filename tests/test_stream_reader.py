"""How an ingress reads the stream of requests."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import pytest
import redis

import actors  # noqa: F401 - declares the tasks
from actors.reverse import ReversedText
from broker import answers
from client.redis_server import RedisServer
from ingress.crowd import BEHIND, BEHIND_BYTES
from ingress.gate import Gate
from ingress.intake import Intake, Received
from ingress.queue_bound import QueueBound
from ingress.stream import ABANDONED_MS
from ingress.tasks_stream import READ, READ_BYTES, TasksStreamReader
from setting_sections import Limits
from task import catalogue, task
from tests.replicas import refusing_intake
from tests.samples import request_bytes, undo_declarations  # noqa: F401 - a fixture
from tests.waiting import wait_until
from transport.arrivals import GROUP, Admitted, Arrival, Origin
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


def narrow_reader_on(
    client: "redis.Redis", count: Callable[[Sequence[Arrival], Origin], None] | None = None
) -> TasksStreamReader:
    """One that knows the tasks, and whose queues have room for one message."""
    broker, stop = CallboardBroker(client, middleware=[]), StopRequest()
    bound = QueueBound(broker, 1)
    intake = Intake(Gate(catalogue, Limits()), broker, answers, stop, bound, count=count)
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


def test_a_reader_of_large_requests_is_behind_by_their_bytes(
    own_redis: "redis.Redis", heard: "redis.client.PubSub"
) -> None:
    large = request_bytes(user_id="flooder", parameters={"text": "x" * 50_000})
    flood = 4 * BEHIND_BYTES // len(large)
    with own_redis.pipeline(transaction=False) as pipeline:
        for _ in range(flood):
            pipeline.xadd(STREAM, {"request": large})
        pipeline.execute()
    add(own_redis, "other")
    with reading(reader_on(own_redis, StopRequest())):
        wait_until(lambda: not own_redis.xlen(STREAM), "all are taken in")
    assert answered(own_redis, heard).index("other") < flood * 3 // 4


def test_a_reader_that_passes_a_crowd_shows_that_it_comes_round(
    own_redis: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    users = ["flooder"] * (2 * BEHIND) + [f"user-{number}" for number in range(BEHIND)]
    add(own_redis, *users)
    reader = reader_on(own_redis, StopRequest())
    silent, most_silent, take = 0, 0, reader.intake.take

    def turned(_: str) -> None:
        nonlocal silent
        silent = 0

    def note(burst: list[Received], origin: Origin) -> None:
        nonlocal silent, most_silent
        silent += 1
        most_silent = max(most_silent, silent)
        take(burst, origin)

    monkeypatch.setattr(reader.watchdog, "turned", turned)
    monkeypatch.setattr(reader.intake, "take", note)
    with reading(reader):
        wait_until(lambda: not own_redis.xlen(STREAM), "all are taken in")
    # What it has read, and the first that it finds behind that.
    assert most_silent == 2


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


def test_what_a_dead_ingress_has_read_is_claimed_also_on_a_redis_of_before_6_2() -> None:
    with RedisServer("--rename-command", "XAUTOCLAIM", "") as server, connect(server.url) as old_redis:
        old_redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        *of_living, of_dead = add(old_redis, "first", "second", "third")
        old_redis.xreadgroup(GROUP, "living", {STREAM: ">"})
        old_redis.xclaim(STREAM, GROUP, "dead", 0, [of_dead], idle=ABANDONED_MS)
        with reading(reader_on(old_redis, StopRequest())):
            wait_until(lambda: old_redis.xlen(STREAM) < 3, "an entry is taken in")
        assert [entry_id.decode() for entry_id, _ in cast(Any, old_redis.xrange(STREAM))] == of_living


def test_behind_the_highest_id_that_there_is_nothing_is_found(own_redis: "redis.Redis") -> None:
    highest = f"{2**64 - 1}-{2**64 - 1}"
    own_redis.xadd(STREAM, {"request": "{}"}, id=highest)
    reader = reader_on(own_redis, StopRequest())
    assert [reader.entries_behind(entry_id, 9) for entry_id in ("0-0", highest)] == [[(b"{}", highest)], []]


def test_a_request_is_counted_by_whoever_has_taken_it_in(own_redis: "redis.Redis") -> None:
    counted: list[Arrival] = []
    own_redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    burst = [(request_bytes(), entry_id) for entry_id in add(own_redis, "first", "second")]
    origin = Origin(stream=STREAM, group=GROUP)
    for part in (burst[:1], burst):
        narrow_reader_on(own_redis, lambda taken, _: counted.extend(taken)).intake.take(part, origin)
    assert [arrival.entry_id for arrival in counted if isinstance(arrival, Admitted)] == [entry for _, entry in burst]


@pytest.fixture
def quick(undo_declarations: None) -> bytes:  # noqa: F811 - the fixture
    """A request for a queue of that name."""

    @task(queue_name="quick")
    def quick() -> ReversedText:
        return ReversedText(reversed_text="")

    return request_bytes(task_type="quick", parameters={})


def on_queue(client: "redis.Redis", name: str) -> int:
    return client.hlen(f"dramatiq:{name}.msgs")


@contextmanager
def reading_while_a_queue_is_full(client: "redis.Redis") -> Iterator[TasksStreamReader]:
    """Until this ends, `default` has no room."""
    reader = narrow_reader_on(client)
    with reading(reader):
        add(client, "first")
        wait_until(lambda: on_queue(client, "default"), "the queue is full")
        yield reader


def test_while_a_queue_is_full_what_is_for_others_is_taken_in_and_the_rest_waits(
    own_redis: "redis.Redis", quick: bytes
) -> None:
    with reading_while_a_queue_is_full(own_redis):
        add(own_redis, "second", "third")
        own_redis.xadd(STREAM, {"request": quick})
        wait_until(lambda: on_queue(own_redis, "quick"), "what is for another queue is taken in")
        assert (on_queue(own_redis, "default"), own_redis.xlen(STREAM)) == (1, 2)
        own_redis.delete("dramatiq:default.msgs", "dramatiq:quick.msgs")
        wait_until(lambda: not own_redis.xlen(STREAM), "the rest is taken in once there is room")
        assert (on_queue(own_redis, "default"), on_queue(own_redis, "quick")) == (2, 0)


def test_what_found_another_queue_full_is_taken_in_once_that_has_room(own_redis: "redis.Redis", quick: bytes) -> None:
    with reading_while_a_queue_is_full(own_redis):
        for _ in range(2):
            own_redis.xadd(STREAM, {"request": quick})
            wait_until(lambda: on_queue(own_redis, "quick"), "the other queue is full, too")
        # It comes to the stream's end before that queue has room.
        own_redis.xadd(STREAM, {"request": "not JSON"})
        wait_until(lambda: own_redis.xlen(STREAM) == 1, "it has seen what is for the full queue")
        own_redis.delete("dramatiq:quick.msgs")
        wait_until(lambda: on_queue(own_redis, "quick"), "it is taken in")
        assert on_queue(own_redis, "default") == 1


def test_what_a_dead_ingress_has_read_is_taken_in_while_a_queue_is_full(own_redis: "redis.Redis", quick: bytes) -> None:
    own_redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    own_redis.xadd(STREAM, {"request": quick})
    read(own_redis)
    with reading_while_a_queue_is_full(own_redis):
        wait_until(lambda: on_queue(own_redis, "quick"), "it is taken in")


def test_small_requests_that_are_looked_at_have_no_more_large_ones_read_together(own_redis: "redis.Redis") -> None:
    reader = reader_on(own_redis, StopRequest())
    large = request_bytes(text="x" * 500_000)
    reader.take([(large, "")] * 2, Origin())
    count = reader.count
    add(own_redis, "somebody")
    reader.wait_for_room(Origin(stream=STREAM, group=GROUP))
    assert reader.count == count < READ
