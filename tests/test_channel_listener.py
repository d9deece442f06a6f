"""What a process hears on a channel of Callboard's own."""

import pytest
import redis

from client.redis_server import RedisServer
from tests.full_disk import SNAPSHOTS, full_disk, refused_pings
from tests.waiting import wait_until
from transport.channel_listener import ChannelListener
from transport.connection import connect


class Ear(ChannelListener):
    def __init__(self, client: "redis.Redis") -> None:
        super().__init__(client, "channel")
        self.heard: list[bytes] = []

    def hear(self, data: bytes) -> None:
        self.heard.append(data)

    def rest(self) -> float:
        return 0.01


def test_a_redis_that_refuses_to_answer_a_ping_is_listened_to_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transport.channel_listener.PING_S", 0.0)
    with RedisServer(*SNAPSHOTS) as server, connect(server.url) as client, redis.Redis.from_url(server.url) as other:
        ear = Ear(client)
        ear.start()
        with full_disk(other):
            wait_until(lambda: refused_pings(other) > 2, "its PINGs are refused")
            assert other.publish("channel", b"hello") == 1
            wait_until(lambda: ear.heard == [b"hello"], "it is heard")
            assert other.info("commandstats")["cmdstat_subscribe"]["calls"] == 1
        ear.stop()
