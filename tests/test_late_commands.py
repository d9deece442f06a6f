"""What comes late changes nothing: a command on a connection that was given up, a process that was stopped meanwhile.

Redis performs the commands of each connection in order, but those of two connections as they arrive: a command that is
repeated on the next connection, where an answer did not come, may be performed before the first one.
"""

import threading
from collections.abc import Iterator
from itertools import count

import dramatiq
import pytest
import redis

from client.redis_server import RedisServer
from ingress.backlog import Backlog
from ingress.lease import Lease
from ingress.markers import Markers
from ingress.subscriber import Subscriber
from tests.waiting import wait_until
from transport.arrivals import Admitted, DeposedError, Origin
from transport.connection import connect
from transport.feed import Feed
from transport.messages import seal
from transport.redis_broker import CallboardBroker

#: As in take_in.lua.
MOST_MARKERS = 1_000


@pytest.fixture
def own_redis() -> Iterator["redis.Redis"]:
    with RedisServer() as server, connect(server.url) as client:
        yield client


def admitted(amount: int) -> list[Admitted]:
    return [Admitted(seal(dramatiq.Message("default", "any", (), {}, {})), b"") for _ in range(amount)]


def up_to(position: int, before: int = 0) -> Origin:
    markers = {"marker": position}
    return Origin(position_key="callboard:position:tasks", position=markers, before=before, position_ttl_s=60)


@pytest.mark.parametrize("position", [3, 2, 0])
def test_a_burst_from_before_a_position_that_is_taken_in_is_not_taken_in(
    own_redis: "redis.Redis", position: int
) -> None:
    broker = CallboardBroker(own_redis, [])
    broker.take_in(admitted(3), up_to(3))
    broker.take_in(admitted(2), up_to(position))
    assert broker.length("default") == 3
    assert own_redis.hget("callboard:position:tasks", "marker") == b"3"
    broker.take_in(admitted(7), up_to(10, before=3))
    assert broker.length("default") == 10


def test_a_burst_of_which_another_one_has_taken_in_a_part_is_not_taken_in(own_redis: "redis.Redis") -> None:
    broker = CallboardBroker(own_redis, [])
    broker.take_in(admitted(3), up_to(3))
    with pytest.raises(DeposedError):
        broker.take_in(admitted(5), up_to(5))
    assert broker.length("default") == 3
    assert own_redis.hget("callboard:position:tasks", "marker") == b"3"


def test_a_thousand_ingresses_that_have_begun_to_listen_are_forgotten(own_redis: "redis.Redis") -> None:
    broker = CallboardBroker(own_redis, [])
    position = {f"marker-{number}": 1 for number in range(MOST_MARKERS)}
    broker.take_in([], up_to(1)._replace(position=position))
    assert own_redis.hlen("callboard:position:tasks") == MOST_MARKERS
    broker.take_in([], up_to(1))
    assert own_redis.hkeys("callboard:position:tasks") == [b"marker"]


def test_who_has_lost_the_lease_learns_of_it_before_it_is_held_again(own_redis: "redis.Redis") -> None:
    lease = Lease(own_redis, "callboard:lease:tasks")
    assert lease.seek()
    own_redis.delete(lease.key)
    wait_until(lambda: not lease.seek(), "it has tried to renew it")
    wait_until(lease.seek, "it is held again")


def test_a_lease_that_is_left_to_others_is_not_sought_at_once(
    own_redis: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingress.lease.LEFT_TO_OTHERS_S", 3600)
    lease, other = (Lease(own_redis, "callboard:lease:tasks") for _ in range(2))
    assert lease.seek()
    lease.leave_to_others()
    assert not lease.seek()
    assert other.seek()


def test_a_worker_that_has_begun_anew_is_not_silenced_by_what_comes_late(own_redis: "redis.Redis") -> None:
    CallboardBroker(own_redis, []).enqueue(dramatiq.Message("default", "any", (), {}, {}))
    feed = Feed(own_redis, "dramatiq", "default", "worker", count(2))
    feed.put_back(())
    (fetched,) = wait_until(lambda: feed.fetch(1, 0), "the message is fetched")
    Feed(own_redis, "dramatiq", "default", "worker", count(1)).put_back(())
    assert not feed.fetch(1, 0)
    CallboardBroker(own_redis, []).enqueue(dramatiq.Message("default", "any", (), {}, {}))
    (another,) = wait_until(lambda: feed.fetch(1, 0), "the next message is fetched")
    assert another.redis_message_id != fetched.redis_message_id
    feed.close()


def test_all_hear_a_marker_just_where_a_subscription_begins(own_redis: "redis.Redis") -> None:
    stop = threading.Event()

    def publish() -> None:
        numbers = count()
        while not stop.is_set():
            own_redis.publish("tasks", str(next(numbers)))

    heard = Backlog(limit_bytes=1 << 30)
    first = Subscriber(own_redis, "tasks", heard)
    first.subscribe(Markers(own_redis, "tasks", "0" * 32).start())
    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        for _ in range(20):
            marker = Markers(own_redis, "tasks", "1" * 32).start()
            backlog = Backlog(limit_bytes=1 << 30)
            newcomer = Subscriber(own_redis, "tasks", backlog)
            newcomer.subscribe(marker)
            while not backlog:
                newcomer.hear(5)
            newcomer.close()
            while marker not in heard.markers or not heard.first(1, 1):
                first.hear(5)
            heard.drop(heard.drop_known({marker: 0}))
            while not heard:
                first.hear(5)
            assert heard.first(1, 1) == backlog.first(1, 1)
    finally:
        stop.set()
        publisher.join()
        first.close()
