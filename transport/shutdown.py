"""The end of a worker process: its tasks have some time to end, and those that need longer are handed back."""

import os
import threading
import time
from typing import Any, cast

from dramatiq import Broker, Message, Worker
from dramatiq.middleware import Middleware, Retries, Shutdown
from dramatiq.worker import WorkerThread
from loguru import logger

from transport.messages import Delivery
from transport.redis_broker import CallboardBroker
from transport.work_queue import WorkQueue

#: What a stop may need besides the tasks' time: the second that Dramatiq's worker sleeps before it looks whether it
#: should stop, one for handing back, and the one that Dramatiq's main process waits for the last log lines.
RESERVE_S = 3.0
HANDING_BACK_S = 1.0


class GracefulShutdown(Middleware):
    """Ends a worker process within `timeout_ms`, with nothing lost. Stands last in the list of middleware.

    Dramatiq waits for the running tasks first, up to ten minutes, and meanwhile fetches messages that none of its
    threads will take. Here the consumers end first, and put back at once what no task has begun. Then tasks with the
    option `notify_shutdown` are told, by a `Shutdown` exception, and all have some time to end. The message of a task
    that needs longer is handed back while it runs on: then only the worker that performs it again answers.
    """

    def __init__(self, timeout_ms: int) -> None:
        self._grace_s = timeout_ms / 1000 - RESERVE_S
        self._grace_ends_s = 0.0
        self._threads: list[WorkerThread] = []
        self._owns_process = False

    @property
    def actor_options(self) -> set[str]:
        """The option of a task that wants to be told."""
        return {"notify_shutdown"}

    def after_process_boot(self, broker: Broker) -> None:
        """Called where the process runs nothing but the worker, and so may be ended with it."""
        self._owns_process = True

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Takes the worker's threads away, so that Dramatiq waits for its consumers only; the threads go on working."""
        self._grace_ends_s = time.monotonic() + self._grace_s
        if self._owns_process:
            last_resort = threading.Timer(self._grace_s + HANDING_BACK_S, _cut_off)
            last_resort.daemon = True
            last_resort.start()
        self._threads, worker.workers = worker.workers, []

    def after_worker_shutdown(self, broker: CallboardBroker, worker: Worker) -> None:  # type: ignore[override]
        """Waits for the tasks, and hands back those that do not end."""
        for thread in self._threads:
            thread.stop()
        cast(WorkQueue, worker.work_queue).close()
        broker.stage.interrupt(lambda delivery: _wants_to_know(broker, delivery), Shutdown)
        for thread in self._threads:
            thread.join(max(0.0, self._grace_ends_s - time.monotonic()))
        late = sum(thread.is_alive() for thread in self._threads)
        broker.close()
        if late:
            logger.warning("{} tasks have not ended in time and are handed back", late)
        if late and self._owns_process:
            # An orderly exit may wait for these tasks without end, as AsyncIO does for one that blocks its event loop.
            os._exit(0)


class GracefulRetries(Retries):
    """Dramatiq's, except that an attempt which `Shutdown` has ended is made again at once, and not counted."""

    def after_process_message(  # type: ignore[override]
        self, broker: Broker, message: Message[Any], *, result: object = None, exception: BaseException | None = None
    ) -> None:
        """Decides whether another attempt follows."""
        if isinstance(exception, Shutdown):
            broker.enqueue(message)
        else:
            super().after_process_message(  # type: ignore[no-untyped-call]
                broker, message, result=result, exception=exception
            )


def _wants_to_know(broker: CallboardBroker, delivery: Delivery) -> bool:
    option = delivery.options.get("notify_shutdown")
    return bool(broker.get_actor(delivery.actor_name).options.get("notify_shutdown") if option is None else option)


def _cut_off() -> None:
    logger.error("The worker cannot stop in time and is cut off; what it still holds is brought back by other workers")
    os._exit(1)
