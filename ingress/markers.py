"""Markers between the requests, by which all ingresses mean the same place in what they hear."""

from uuid import uuid4

import redis


def markers_channel(channel: str) -> str:
    """The channel of the markers of a tasks channel. Every ingress listens on both, with one connection."""
    return f"callboard:markers:{channel}"


class Markers:
    """What an ingress does to the markers' channel over another connection than that which it listens with. So what
    fails here, with a redis.RedisError, is no reason to give that one up: it may hold requests that nobody else has."""

    def __init__(self, client: "redis.Redis", channel: str) -> None:
        self._client = client
        self._channel = markers_channel(channel)

    def publish(self) -> str:
        """Publishes a new marker for all ingresses to hear; returns it."""
        marker = uuid4().hex
        self._client.publish(self._channel, marker)
        return marker

    def others_hear(self) -> bool:
        """Whether other ingresses are subscribed, too."""
        return self._client.pubsub_numsub(self._channel)[0][1] > 1
