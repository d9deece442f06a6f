"""Publishes requests on `tasks` and accounts for every outcome on `results`: each comes once, completed and correct."""

import json
import secrets
from dataclasses import dataclass
from typing import Any, Self

from bench.wire import Wire, packed

#: How long nothing at all may arrive before the requests still outstanding count as lost.
SILENCE_S = 30.0


class LoadError(Exception):
    """An outcome is missing, wrong, or came twice: the figures of this run would mean nothing."""


@dataclass(frozen=True)
class Workload:
    """What is asked: to reverse texts of `text_bytes` ASCII characters, of each of `task_types` in turn, at once or
    after `delay_ms`."""

    text_bytes: int = 32
    task_types: tuple[str, ...] = ("reverse_string",)
    delay_ms: int | None = None

    def text(self, number: int) -> str:
        """The text of one request, different for each so that no answer can be reused."""
        return f"{number}-".ljust(self.text_bytes, "x")

    def request(self, user_id: str, number: int) -> bytes:
        """One request as JSON."""
        task_type = self.task_types[number % len(self.task_types)]
        fields = {"task_type": task_type, "user_id": user_id, "parameters": {"text": self.text(number)}}
        delay = {} if self.delay_ms is None else {"delay_ms": self.delay_ms}
        return json.dumps(fields | delay).encode()


class Driver:
    """A client of the wire with one connection to publish on and one subscribed to `results`."""

    def __init__(self, url: str, workload: Workload, silence_s: float = SILENCE_S) -> None:
        self._workload = workload
        self._publisher = Wire(url, silence_s)
        self._results = Wire(url, silence_s)
        self._results.send(packed(b"SUBSCRIBE", b"results"))
        self._results.receive()
        self._name = f"bench-{secrets.token_hex(4)}-"
        self._outstanding: set[int] = set()
        self.published = 0

    def publish(self, count: int) -> None:
        """Publishes the next `count` requests in one pipeline, and checks that each was heard."""
        numbers = range(self.published, self.published + count)
        requests = [self._workload.request(f"{self._name}{number}", number) for number in numbers]
        self._outstanding.update(numbers)
        self.published += count
        self._publisher.send(b"".join([packed(b"PUBLISH", b"tasks", request) for request in requests]))
        listeners: list[Any] = []
        while len(listeners) < count:
            listeners += self._publisher.receive()
        if 0 in listeners:
            raise LoadError("a request was published while nobody listened on channel 'tasks'")

    def collect(self) -> int:
        """Waits until at least one outcome has arrived, and returns how many of this driver's requests are answered."""
        try:
            arrived = self._results.receive()
        except TimeoutError:
            raise LoadError(f"{len(self._outstanding)} of {self.published} requests were never answered") from None
        return sum(self._account_for(payload) for _kind, _channel, payload in arrived)

    def _account_for(self, payload: bytes) -> bool:
        """Whether it answers a request of ours, and not a probe of before. Strikes that request off the list."""
        outcome: dict[str, Any] = json.loads(payload)
        name, _, digits = str(outcome["user_id"]).rpartition("-")
        if f"{name}-" != self._name:
            return False
        number = int(digits)
        if number not in self._outstanding:
            raise LoadError(f"a second outcome came for the same request: {payload!r:.300}")
        expected = {"reversed_text": self._workload.text(number)[::-1]}
        if outcome["status"] != "completed" or outcome["result"] != expected:
            raise LoadError(f"a request had a wrong outcome: {payload!r:.300}")
        self._outstanding.remove(number)
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._publisher.close()
        self._results.close()
