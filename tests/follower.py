"""Hears what is told of requests: their events, and on the same connection their outcomes, in the order of Redis."""

import json
from typing import Any, Self

from tests.redis_under_test import open_client
from tests.waiting import DEADLINE_S, wait_until

Event = dict[str, Any]

#: Of an event that is the last one of its task.
LAST = {"completed", "error", "cancelled"}


class Follower:
    """Hears everything from its start on; use it as a context."""

    def __init__(self, redis_url: str) -> None:
        self.client = open_client(redis_url)
        self._pubsub = self.client.pubsub(ignore_subscribe_messages=True)
        self._pubsub.subscribe("events", "results")
        for _ in range(2):
            self._pubsub.get_message(timeout=DEADLINE_S)
        self._heard: list[tuple[bytes, Event]] = []

    def request(self, **fields: Any) -> None:
        """Sends a request."""
        assert self.client.publish("tasks", json.dumps(fields)) > 0, "no ingress listens on 'tasks'"

    def cancel(self, user_id: str | int, **name: str) -> None:
        """Sends a wish to cancel."""
        assert self.client.publish("control", json.dumps({"action": "cancel", "user_id": user_id} | name)) > 0

    def event(self, user_id: str | int, kind: str) -> Event:
        """The first event of this kind for a user, waiting for it if need be."""

        def found() -> list[Event]:
            return [event for event in self.events(user_id) if event["event"] == kind]

        return wait_until(found, f"a {kind} event")[0]

    def life(self, user_id: str | int) -> list[Event]:
        """All events of a user's request, once it has ended and its outcome has come."""
        wait_until(lambda: any(e["event"] in LAST for e in self.events(user_id)), "the request ends")
        wait_until(lambda: self.outcomes(user_id), "the outcome comes")
        return self.events(user_id)

    def events(self, user_id: str | int) -> list[Event]:
        """The events of a user's requests so far."""
        return [event for channel, event in self.heard(user_id) if channel == b"events"]

    def outcomes(self, user_id: str | int) -> list[Event]:
        """The outcomes of a user's requests so far."""
        return [outcome for channel, outcome in self.heard(user_id) if channel == b"results"]

    def heard(self, user_id: str | int) -> list[tuple[bytes, Event]]:
        """Both in the order in which they came, each with its channel."""
        while message := self._pubsub.get_message(timeout=0.001):
            self._heard.append((message["channel"], json.loads(message["data"])))
        return [(channel, said) for channel, said in self._heard if said["user_id"] == user_id]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pubsub.close()
        self.client.close()


def kinds(events: list[Event]) -> list[str]:
    """What happened, in order."""
    return [event["event"] for event in events]
