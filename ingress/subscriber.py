"""Hears the tasks channel and brings each burst of requests to the queue."""

from collections.abc import Iterator

import redis
from loguru import logger

from ingress.intake import Intake
from transport.connection import StopRequest

#: The most requests that are taken to the queue together.
BURST = 256

#: How long a silent subscriber waits before it looks whether it should stop.
SILENCE_S = 0.5


class Subscriber:
    """Subscribes to one channel until it is asked to stop, through every loss of the connection."""

    def __init__(self, client: "redis.Redis", channel: str, intake: Intake, stop: StopRequest) -> None:
        self._client = client
        self._channel = channel
        self._intake = intake
        self._stop = stop

    def run(self) -> None:
        """Returns once asked to stop, with everything that was received on the queue or answered."""
        while not self._stop.received:
            try:
                self._listen()
            except (redis.ConnectionError, redis.TimeoutError) as error:
                logger.warning(
                    "Lost the subscription to {!r}: {}. Requests are unheard until it is back", self._channel, error
                )

    def _listen(self) -> None:
        pubsub = self._stop.until_redis_answers(self._subscribe)
        try:
            while not self._stop.received:
                self._intake.take(self._burst(pubsub))
            pubsub.unsubscribe()
            self._intake.take(self._rest(pubsub))
        finally:
            pubsub.close()

    def _subscribe(self) -> "redis.client.PubSub":
        pubsub: redis.client.PubSub = self._client.pubsub()
        pubsub.subscribe(self._channel)
        # Ready means ready: from Redis's confirmation on, nothing that is published here is missed.
        while (message := pubsub.get_message(timeout=SILENCE_S)) is None or message["type"] != "subscribe":
            if message is None and self._stop.received:
                raise redis.ConnectionError("asked to stop before the subscription was confirmed")
        logger.info("Ready: listening on channel {!r}", self._channel)
        return pubsub

    def _burst(self, pubsub: "redis.client.PubSub") -> list[bytes]:
        """What has been published by now, after waiting for the first of it."""
        burst: list[bytes] = []
        message = pubsub.get_message(timeout=SILENCE_S)
        while message is not None:
            if message["type"] == "message":
                burst.append(message["data"])
            message = pubsub.get_message(timeout=0) if len(burst) < BURST else None
        return burst

    def _rest(self, pubsub: "redis.client.PubSub") -> list[bytes]:
        """What Redis had sent before it confirmed that it sends no more."""
        return list(self._until_unsubscribed(pubsub))

    def _until_unsubscribed(self, pubsub: "redis.client.PubSub") -> Iterator[bytes]:
        while (message := pubsub.get_message(timeout=SILENCE_S)) is not None and message["type"] != "unsubscribe":
            if message["type"] == "message":
                yield message["data"]
