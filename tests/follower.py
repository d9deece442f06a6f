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
        self._events: list[Event] = []
        self._outcomes: list[Event] = []

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
        self._hear()
        return [event for event in self._events if event["user_id"] == user_id]

    def outcomes(self, user_id: str | int) -> list[Event]:
        """The outcomes of a user's requests so far."""
        self._hear()
        return [outcome for outcome in self._outcomes if outcome["user_id"] == user_id]

    def _hear(self) -> None:
        while message := self._pubsub.get_message(timeout=0.001):
            heard = self._events if message["channel"] == b"events" else self._outcomes
            heard.append(json.loads(message["data"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pubsub.close()
        self.client.close()


def kinds(events: list[Event]) -> list[str]:
    """What happened, in order."""
    return [event["event"] for event in events]
