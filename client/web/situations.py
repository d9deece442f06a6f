"""Looks at queues and processes from time to time, while somebody watches."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import RedisError

from client.place import redis_away
from client.situation import Situation, look
from setting_sections import RedisSettings

#: A look costs Redis 18 commands for one process of each kind and one queue.
PAUSE_S = 3.0


class Situations:
    """The last look. `version` is another number after each."""

    def __init__(self, redis: RedisSettings) -> None:
        self.version = 0
        self._redis = redis
        self._last: Situation | None = None
        self._problems: list[str] = []
        self._watchers = 0
        self._wanted = asyncio.Event()

    def view(self) -> dict[str, Any]:
        """What was seen, for JSON: the number of the look, and `status`, which is None while Redis does not answer."""
        return {
            "looks": self.version,
            "status": self._last and self._last.document(),
            "problems": self._problems,
        }

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Somebody watches until the context ends."""
        self._watchers += 1
        self._wanted.set()
        try:
            yield
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._wanted.clear()

    async def run(self) -> None:
        """Looks, until it is cancelled."""
        while True:
            await self._wanted.wait()
            await asyncio.to_thread(self._look)
            self.version += 1
            await asyncio.sleep(PAUSE_S)

    def _look(self) -> None:
        try:
            self._last = look()
            self._problems = self._last.problems
        except RedisError as error:
            self._last, self._problems = None, [str(redis_away(self._redis, error))]
