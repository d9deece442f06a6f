"""Markers between the requests, from which all ingresses count positions alike."""

import re
from uuid import uuid4

import redis

#: What the marker of an ingress that has just begun to listen begins with; its token follows.
START = "start-"

MARKER = re.compile(rb"(start-[0-9a-f]{32}-)?[0-9a-f]{32}")


def markers_channel(channel: str) -> str:
    """The channel of the markers of a tasks channel. Every ingress listens on both, with one connection."""
    return f"callboard:markers:{channel}"


class Markers:
    """The markers of one ingress.

    They are published over another connection than the one that listens: when that fails here, with a redis.RedisError,
    it is no reason to give up the subscription, which may hold requests that nobody else has heard.
    """

    def __init__(self, client: "redis.Redis", channel: str, token: str) -> None:
        self._client = client
        self._token = token
        self._channel = markers_channel(channel)

    def publish(self) -> str:
        """Publishes a new marker for all ingresses to hear; returns it."""
        marker = uuid4().hex
        self._client.publish(self._channel, marker)
        return marker

    def start(self) -> str:
        """A new marker, to be published where a subscription begins: whoever hears it has listened for longer."""
        return f"{START}{self._token}-{uuid4().hex}"

    def others(self) -> int:
        """How many other ingresses are subscribed."""
        return int(self._client.pubsub_numsub(self._channel)[0][1]) - 1


def read_marker(data: bytes) -> str | None:
    """The marker that was heard; None when somebody else has published something there."""
    return data.decode() if MARKER.fullmatch(data) else None


def newcomer(marker: str) -> str | None:
    """The token of the ingress that has begun to listen at this marker; None for a marker of another kind."""
    return marker.removeprefix(START).partition("-")[0] if marker.startswith(START) else None
