"""Brings back the messages of workers that died, and clears old dead letters. Only workers do this."""

import random
import time

import redis

from transport.scripts import script

#: How often a queue is looked after, by whichever of its workers comes first.
INTERVAL_S = 10.0


class Recovery:
    """Looks after one queue, now and then, whenever its consumer asks whether it is time."""

    def __init__(
        self, client: "redis.Redis", namespace: str, queue_name: str, silence_ms: int, dead_letter_ttl_ms: int
    ) -> None:
        self._script = script(client, "recover")
        self._namespace = namespace
        pause_ms = int(INTERVAL_S * 1000 / 2)
        self._arguments: tuple[str | int, ...] = (queue_name, silence_ms, dead_letter_ttl_ms, pause_ms)
        self._due_s = time.monotonic()

    def run_when_due(self) -> None:
        """Runs when the last time is long enough ago; workers started together do not stay in step."""
        if time.monotonic() >= self._due_s:
            self._script(keys=[self._namespace], args=self._arguments)
            self._due_s = time.monotonic() + INTERVAL_S * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
