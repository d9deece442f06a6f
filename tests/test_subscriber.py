"""What an ingress hears on the channel, of a Redis that goes away."""

from contextlib import suppress
from uuid import uuid4

import pytest
import redis

from client.redis_server import RedisServer
from ingress.backlog import Backlog
from ingress.subscriber import HEARD_BYTES, Subscriber
from tests.full_disk import SNAPSHOTS, full_disk, refused_pings
from tests.waiting import wait_until
from transport.connection import connect


def test_what_comes_last_before_the_connection_ends_is_heard() -> None:
    backlog = Backlog(limit_bytes=1_000)
    with RedisServer() as server, connect(server.url) as client, redis.Redis.from_url(server.url) as other:
        subscriber = Subscriber(client, "tasks", backlog)
        subscriber.subscribe(uuid4().hex)
        assert other.publish("tasks", b"hello") == 1
        other.client_kill_filter(_type="pubsub")
        with suppress(redis.ConnectionError):
            subscriber.hear(60)
        with pytest.raises(redis.ConnectionError):
            subscriber.hear(60)
        subscriber.close()
    assert backlog.first(10, 1_000) == [b"hello"]


def test_what_was_sent_by_the_end_of_the_subscription_may_be_more_than_the_backlog_holds() -> None:
    backlog = Backlog(limit_bytes=2 * HEARD_BYTES)
    request = b"x" * (HEARD_BYTES // 8)
    with RedisServer() as server, connect(server.url) as client, redis.Redis.from_url(server.url) as other:
        subscriber = Subscriber(client, "tasks", backlog)
        subscriber.subscribe(uuid4().hex)
        for _ in range(40):
            other.publish("tasks", request)
        taken_in = 0
        for _ in subscriber.leave():
            taken_in += len(backlog)
            backlog.drop(len(backlog))
        subscriber.close()
    assert (taken_in + len(backlog), backlog.dropped) == (40, 0)


def test_of_a_flood_some_is_taken_in_before_the_rest_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingress.subscriber.HEARD", 2)
    backlog = Backlog(limit_bytes=HEARD_BYTES)
    with RedisServer() as server, connect(server.url) as client, redis.Redis.from_url(server.url) as other:
        subscriber = Subscriber(client, "tasks", backlog)
        subscriber.subscribe(uuid4().hex)
        for _ in range(100):
            other.publish("tasks", b"x" * 20_000)
        while not backlog:
            subscriber.hear(1)
        assert len(backlog) < 100
        while len(backlog) < 100:
            subscriber.hear(1)
        subscriber.close()


def test_a_redis_that_refuses_to_answer_a_ping_is_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingress.subscriber.PING_S", 0.0)
    backlog = Backlog(limit_bytes=1_000)
    with RedisServer(*SNAPSHOTS) as server, connect(server.url) as client, redis.Redis.from_url(server.url) as other:
        subscriber = Subscriber(client, "tasks", backlog)
        subscriber.subscribe(uuid4().hex)
        with full_disk(other):

            def is_refused() -> bool:
                subscriber.hear(0.01)
                return refused_pings(other) > 2

            wait_until(is_refused, "its PINGs are refused")
            assert other.publish("tasks", b"hello") == 1

            def is_heard() -> bool:
                subscriber.hear(0.01)
                return len(backlog) > 0

            wait_until(is_heard, "it is heard")
            subscriber.hear(0)
            other.publish("tasks", b"good-bye")
            assert list(subscriber.leave()) == []
        subscriber.close()
    assert backlog.first(10, 1_000) == [b"hello", b"good-bye"]
