"""The tasks that run in this process, and how one of them is interrupted."""

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

from dramatiq.middleware import Shutdown
from dramatiq.middleware.threading import Interrupt, raise_thread_exception

from contract import EventKind, timestamp
from errors import TaskExitError
from transport.messages import Delivery

#: The most redis message ids that are remembered of messages that were cancelled in the hands of some worker.
REMEMBERED = 10_000


class Cancelled(Interrupt):
    """Raised inside a task that was cancelled. Its outcome is published already, whatever the task does now."""


class Stage:
    """Where tasks run, each in a thread of the worker."""

    def __init__(self) -> None:
        self._running: dict[int, Delivery] = {}
        self._called_off: dict[str, None] = {}
        self._changing = threading.Lock()

    def perform(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """What the function of the current task returns.

        Raises:
            Cancelled, TimeLimitExceeded, Shutdown: at any moment, and nowhere but in here.
            TaskExitError: the task has raised `Shutdown` itself. It would be begun again at once, and for ever.
            TypeError: outside of a worker.
        """
        delivery, process_id = Delivery.current(), os.getpid()
        try:
            self._enter(delivery)
            return function(*args, **kwargs)
        except Shutdown as shutdown:
            if threading.get_ident() in self._running:
                raise TaskExitError(f"The task wanted to end its worker: {shutdown!r}") from shutdown
            raise
        finally:
            if os.getpid() != process_id:
                _end_child()
            # What `interrupt` has raised in this thread by then comes out before this ends: Python looks for it at the
            # end of each call. Later this task cannot be interrupted any more.
            with self._changing:
                self._running.pop(threading.get_ident(), None)

    def running(self) -> tuple[Delivery, ...]:
        """The messages whose tasks run now."""
        return tuple(self._running.values())

    def has_run_one_for(self, seconds: float) -> bool:
        """Whether one of the tasks that run now began so long ago."""
        before_s = time.perf_counter() - seconds
        return any(delivery.started_s is not None and delivery.started_s < before_s for delivery in self.running())

    def call_off(self, redis_message_id: str) -> None:
        """Interrupts the task of a message, now if it runs here, or when it begins."""
        with self._changing:
            self._called_off[redis_message_id] = None
            if len(self._called_off) > REMEMBERED:
                del self._called_off[next(iter(self._called_off))]
        self.interrupt(lambda delivery: delivery.redis_message_id == redis_message_id, Cancelled)

    def interrupt(self, is_meant: Callable[[Delivery], bool], exception: type[Interrupt]) -> list[Delivery]:
        """Raises this exception in each running task that is meant; returns their messages.

        They count as running no more: a task that goes on in spite of it is not interrupted again, nor its progress
        told.
        """
        with self._changing:
            meant = {thread_id: delivery for thread_id, delivery in self._running.items() if is_meant(delivery)}
            for thread_id in meant:
                del self._running[thread_id]
                raise_thread_exception(thread_id, exception)
        return list(meant.values())

    def _enter(self, delivery: Delivery) -> None:
        with self._changing:
            if delivery.redis_message_id in self._called_off:
                raise Cancelled
            delivery.bulletin.add(EventKind.STARTED, timestamp())
            self._running[threading.get_ident()] = delivery


def _end_child() -> NoReturn:
    """Ends a child that a task has forked, and that has come out of the task: it would go on as a second worker."""
    error = sys.exception()
    if isinstance(error, SystemExit) and isinstance(error.code, int | None):
        os._exit(error.code or 0)
    os._exit(0 if error is None else 1)
