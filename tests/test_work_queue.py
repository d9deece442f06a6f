"""The queue between the threads that fetch messages and those that perform them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dramatiq
from dramatiq.broker import MessageProxy
from dramatiq.worker import _WorkQueueItem

from tests.waiting import DEADLINE_S, wait_until
from transport.work_queue import WorkQueue

THREADS = 3


def item(priority: int, queue_name: str = "default") -> _WorkQueueItem:
    message: dramatiq.Message[Any] = dramatiq.Message(queue_name, "any", (), {}, {})
    return _WorkQueueItem(priority, MessageProxy(message))


def test_of_items_that_come_together_each_wakes_a_thread() -> None:
    queue, all_at_work = WorkQueue(), threading.Barrier(THREADS)

    def take_and_wait_for_the_others() -> None:
        queue.get(timeout=2 * DEADLINE_S)
        all_at_work.wait(DEADLINE_S)

    with ThreadPoolExecutor(THREADS) as threads:
        at_work = [threads.submit(take_and_wait_for_the_others) for _ in range(THREADS)]
        wait_until(lambda: queue._idle == THREADS, "all wait")  # noqa: SLF001 - nothing else tells it
        for priority in range(THREADS):
            queue.put(item(priority))
        for each in at_work:
            each.result(3 * DEADLINE_S)


def test_those_that_would_be_taken_last_are_taken_back_and_not_waited_for() -> None:
    queue = WorkQueue()
    for priority, queue_name in ((2, "default"), (0, "default"), (9, "other"), (1, "default")):
        queue.put(item(priority, queue_name))
    assert [each.priority for each in queue.withdraw("default", 2)] == [2, 1]
    assert [queue.get().priority for _ in range(2)] == [0, 9]
    for _ in range(2):
        queue.task_done()
    with ThreadPoolExecutor() as threads:
        threads.submit(queue.join).result(DEADLINE_S)
