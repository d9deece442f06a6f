"""One worker process: Dramatiq's worker on Callboard's broker. The supervisor starts it, as `python -m worker.process`.

Its standard input binds it to the supervisor: the end of that asks it to stop, since the supervisor says so or is dead.
On its standard output it says once that it is ready, or why it cannot be. Its argument, if there is one, is the
descriptor of the file that `Permit` needs.
"""

import quiet_interrupt  # noqa: F401 - first: the others take their time

# isort: split
import importlib
import os
import sys
import threading
import traceback
from contextlib import suppress
from typing import NoReturn, TextIO

import redis
from dramatiq import Worker
from loguru import logger

from broker import broker, settings, start_failure
from errors import SettingsError
from transport.connection import StopRequest
from worker.child import PREDECESSOR, READY


def main() -> None:
    """Returns after a clean stop."""
    stop = StopRequest()
    stop.listen()
    supervisor, report = _private_streams()
    threading.Thread(target=_stop_with, args=[supervisor, stop], daemon=True).start()
    _declare_tasks(report)
    broker.permits = int(sys.argv[1]) if len(sys.argv) > 1 else None
    broker.emit_after("process_boot")
    # Before the worker starts: without an answer to their first question its consumers would sleep for seconds.
    if not stop.wait_for_redis(broker.client):
        return
    if predecessor := os.environ.pop(PREDECESSOR, ""):
        with suppress(redis.RedisError):
            broker.succeed(predecessor)
    worker = Worker(broker, queues=set(settings.worker.queues) or None, worker_threads=settings.worker.threads)
    worker.start()
    # A supervisor that was killed meanwhile does not hear it; its end is a request to stop.
    with suppress(BrokenPipeError), report:
        report.write(f"{READY}{broker.broker_id}\n")
    stop.pause()
    worker.stop(timeout=settings.worker.shutdown_timeout_ms)
    broker.close()
    logger.info("Stopped")


def _private_streams() -> tuple[int, TextIO]:
    """The two standard streams, which bind this process to the supervisor. Tasks, and the processes that they start,
    get others instead: an empty input, and the log for their output."""
    supervisor, report = os.dup(sys.stdin.fileno()), os.dup(sys.stdout.fileno())
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return supervisor, os.fdopen(report, "w")


def _stop_with(supervisor: int, stop: StopRequest) -> None:
    while os.read(supervisor, 1):
        pass
    stop.request()


def _declare_tasks(report: TextIO) -> None:
    # Not imported above: the supervisor shows a wrong declaration, once, and not each of its processes.
    try:
        importlib.import_module("actors")
    except SystemExit as end:
        if isinstance(end.code, str):
            _give_up(report, end.code)
        raise
    except Exception:  # noqa: BLE001 - a module with tasks may raise anything
        _give_up(report, traceback.format_exc().strip())
    declared = broker.get_declared_queues()
    if unknown := [name for name in settings.worker.queues if name not in declared]:
        complaint = (
            f"worker.queues holds {unknown[0]!r:.100}, and no task is in that queue: {', '.join(sorted(declared))}"
        )
        _give_up(report, str(start_failure(SettingsError(complaint)).code))


def _give_up(report: TextIO, reason: str) -> NoReturn:
    report.write(reason)
    report.close()
    raise SystemExit(1)


if __name__ == "__main__":
    main()
