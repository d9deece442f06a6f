"""How ingresses and schedulers show that they run."""

from collections.abc import Iterator

import pytest
import redis

from client.redis_server import RedisServer
from transport import presence
from transport.connection import connect
from transport.presence import INDEX_SHOWS, Presence, index_key

INDEX = index_key("")


@pytest.fixture
def own_redis() -> Iterator["redis.Redis"]:
    with RedisServer() as server, connect(server.url) as client:
        yield client


def test_whoever_comes_takes_those_off_the_index_that_have_died(own_redis: "redis.Redis") -> None:
    for token in ("dead", "living"):
        Presence(own_redis, "", "ingress", token).show_when_due()
    own_redis.delete(f"{INDEX}:ingress:dead")
    Presence(own_redis, "", "scheduler", "new").show_when_due()
    assert own_redis.smembers(INDEX) == {b"ingress:living", b"scheduler:new"}


def test_the_index_stays_as_long_as_somebody_shows_himself(
    own_redis: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "SHOW_S", 0.0)
    one = Presence(own_redis, "", "ingress", "one")
    one.show_when_due()
    own_redis.pexpire(INDEX, 60_000)
    for _ in range(INDEX_SHOWS):
        one.show_when_due()
    assert own_redis.pttl(INDEX) > 60_000
