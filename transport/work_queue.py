"""The queue between Dramatiq's consumer threads and its worker threads: it wakes as few threads as the work needs."""

import heapq
import time
from queue import Empty, PriorityQueue
from typing import Any


class WorkQueue(PriorityQueue[Any]):
    """A PriorityQueue without a bound that wakes one idle thread at a time.

    The standard one wakes a thread for every item. Where tasks are short, the threads then do little but take Python's
    lock from one another. Here an item that comes while a thread is waking up wakes no second one; a thread that takes
    an item and leaves others wakes the next, so that long tasks still run side by side.
    """

    def __init__(self) -> None:
        super().__init__()
        self._idle = 0
        self._one_is_coming = False
        self._closed = False

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Adds an item."""
        with self.mutex:
            self._put(item)
            self.unfinished_tasks += 1
            self._wake_one()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Takes the first item, waiting up to `timeout` seconds for one.

        Raises:
            queue.Empty: when there is none.
        """
        deadline_s = None if timeout is None else time.monotonic() + timeout
        with self.mutex:
            while not self._qsize():
                left_s = None if deadline_s is None else deadline_s - time.monotonic()
                if not block or self._closed or (left_s is not None and left_s <= 0):
                    raise Empty
                self._idle += 1
                self.not_empty.wait(left_s)
                self._idle -= 1
                self._one_is_coming = False
            item = self._get()
            if self._qsize():
                self._wake_one()
            return item

    def withdraw(self, queue_name: str, count: int) -> list[Any]:
        """Takes back up to `count` items with messages of that queue, those that would be taken last."""
        with self.mutex:
            candidates = [item for item in sorted(self.queue, reverse=True) if item.message.queue_name == queue_name]
            withdrawn = candidates[:count]
            gone = {id(item) for item in withdrawn}
            self.queue = [item for item in self.queue if id(item) not in gone]
            heapq.heapify(self.queue)
            self.unfinished_tasks -= len(withdrawn)
            if not self.unfinished_tasks:
                self.all_tasks_done.notify_all()
            return withdrawn

    def close(self) -> None:
        """From now on nobody waits for an item; those that wait already give up."""
        with self.mutex:
            self._closed = True
            self.not_empty.notify_all()

    def _wake_one(self) -> None:
        if self._idle and not self._one_is_coming:
            self._one_is_coming = True
            self.not_empty.notify()
