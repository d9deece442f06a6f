"""The messages of one queue that a worker process has in hand."""

from collections.abc import Iterator
from typing import cast

from transport.messages import Delivery
from transport.work_queue import WorkQueue

NEVER = float("inf")


class InHand:
    """The redis message ids of those that were handed out and have not ended. Outlives a consumer, as their tasks do.
    Thread-safe, since each step is one of a dictionary."""

    def __init__(self, queue_name: str, work_queue: WorkQueue) -> None:
        self._queue_name = queue_name
        self._work_queue = work_queue
        self._due_ms: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._due_ms)

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._due_ms))

    def __contains__(self, redis_message_id: str) -> bool:
        return redis_message_id in self._due_ms

    def add(self, redis_message_id: str, due_ms: float) -> None:
        """Adds one; `due_ms` is when it is due, in Unix ms, or `NEVER` when it does not wait for a time."""
        self._due_ms[redis_message_id] = due_ms

    def remove(self, redis_message_id: str) -> None:
        """Removes one that has ended, or is given back."""
        self._due_ms.pop(redis_message_id, None)

    @property
    def next_due_ms(self) -> float:
        """When the next one that waits for a time is due, in Unix ms; `NEVER` if none does."""
        return min(tuple(self._due_ms.values()), default=NEVER)

    def remove_delayed(self) -> None:
        """Removes those that wait for a time."""
        for redis_message_id, due_ms in tuple(self._due_ms.items()):
            if due_ms != NEVER:
                self.remove(redis_message_id)

    def withdraw(self, count: int) -> list[str]:
        """Takes back up to `count` that no thread has begun, the last ones first; returns their redis message ids."""
        items = self._work_queue.withdraw(self._queue_name, count)
        withdrawn = [cast(Delivery, item.message).redis_message_id for item in items]
        for redis_message_id in withdrawn:
            self.remove(redis_message_id)
        return withdrawn
