"""A client that knows nothing but the wire: it publishes bytes on one channel and hears outcomes on another."""

import json
import time
from itertools import count
from typing import Any, Self

from tests.redis_under_test import key_prefix, open_client
from tests.waiting import DEADLINE_S, wait_until

Outcome = dict[str, Any]

_numbers = count()


def new_user() -> str:
    """A user id that no other test has, to know the outcomes of one's own requests by."""
    return f"user-{next(_numbers)}"


class Wire:
    """Hears every outcome from its start on; use it as a context."""

    def __init__(self, redis_url: str, results: str = "results") -> None:
        self.client = open_client(redis_url)
        #: Its name in a pipeline, in which the client adds no prefix.
        self.tasks_stream = f"{key_prefix(redis_url)}tasks:stream"
        self._pubsub = self.client.pubsub(ignore_subscribe_messages=True)
        self._pubsub.subscribe(results)
        self._pubsub.get_message(timeout=DEADLINE_S)
        self.heard: list[Outcome] = []

    def publish(self, request: bytes | dict[str, Any]) -> None:
        """Sends a request as it is, or a dictionary as JSON; fails when nobody listens."""
        data = request if isinstance(request, bytes) else json.dumps(request).encode()
        assert self.client.publish("tasks", data) > 0, "no ingress listens on 'tasks'"

    def ask(self, task_type: str, parameters: dict[str, Any] | None = None, **fields: Any) -> Outcome:
        """The outcome of one request of a new user."""
        request = {"task_type": task_type, "user_id": new_user(), "parameters": parameters or {}} | fields
        self.publish(request)
        return self.outcome_of(request["user_id"])

    def outcome_of(self, user_id: object, deadline_s: float = DEADLINE_S) -> Outcome:
        """The first outcome heard for a user, waiting for it if need be."""
        deadline = time.monotonic() + deadline_s
        while True:
            for outcome in self.heard:
                if outcome["user_id"] == user_id:
                    self.heard.remove(outcome)
                    return outcome
            if time.monotonic() > deadline:
                raise AssertionError(f"no outcome for {user_id!r} in {deadline_s} s; heard: {self.heard}")
            self._hear()

    def only_outcome(self, request: bytes) -> Outcome:
        """The one outcome of a request that may be unreadable; a readable one after it shows that no more follow."""
        self.heard.clear()
        self.publish(request)
        wait_until(self._hear, "an outcome")
        self.ask("reverse_string", {"text": "and now one that is in order"})
        assert len(self.heard) == 1, self.heard
        return self.heard.pop()

    def _hear(self) -> list[Outcome]:
        if message := self._pubsub.get_message(timeout=0.1):
            outcome = json.loads(message["data"], parse_constant=_refuse_constant)
            assert isinstance(outcome, dict)
            self.heard.append(outcome)
        return self.heard

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pubsub.close()
        self.client.close()


def _refuse_constant(name: str) -> None:
    raise AssertionError(f"an outcome holds {name}, which is no JSON")
