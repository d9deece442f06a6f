"""How much Redis is told to hold for an ingress that is behind."""

import pytest

from client.redis_server import RedisServer
from ingress.output_buffer import LIMIT, widen_output_buffer
from transport.connection import connect

WANTED_BYTES = 64_000_000


@pytest.mark.parametrize(
    ("had", "has"),
    [
        ("32000000 8000000 60", f"{WANTED_BYTES} 0 0"),
        # Above the second limit for so long, a subscriber is cut off as well.
        (f"{WANTED_BYTES} 8000000 60", f"{WANTED_BYTES} 0 0"),
        # No limit at all, and more than what is wanted, are left.
        ("0 0 0", "0 0 0"),
        ("90000000 80000000 60", "90000000 80000000 60"),
    ],
)
def test_redis_is_given_another_limit_where_its_own_is_too_low(had: str, has: str) -> None:
    with RedisServer() as server, connect(server.url) as client:
        client.config_set(LIMIT, f"pubsub {had}")
        widen_output_buffer(client, WANTED_BYTES)
        assert f"pubsub {has}" in client.config_get(LIMIT)[LIMIT]


def test_redis_keeps_its_own_limit_where_none_is_wanted() -> None:
    with RedisServer() as server, connect(server.url) as client:
        before = client.config_get(LIMIT)
        widen_output_buffer(client, 0)
        assert client.config_get(LIMIT) == before
