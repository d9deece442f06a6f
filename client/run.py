"""Everything on one machine: a Redis if none answers, then worker, ingress and scheduler, until Ctrl-C. `make run`.

For development: at the end honcho grants everything 5 s, whatever `worker.shutdown_timeout_ms` says.
"""

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import redis
from honcho.manager import Manager
from honcho.printer import Printer

from client.local_redis import local_redis
from client.redis_server import RedisServer
from client.terminal import Terminal
from errors import CallboardError, RedisServerError
from no_arguments import take_no_arguments
from setting_sections import RedisSettings
from settings import Settings, load_settings
from transport.connection import connect
from transport.pulse import heartbeats_key
from transport.queue_names import namespace_of
from worker.child import described

#: How long the first start may take before the hint is given up.
READY_TIMEOUT_S = 30.0

EXAMPLE_REQUEST = '{"task_type": "reverse_string", "user_id": "me", "parameters": {"text": "hello"}}'

HINT = """
Callboard is ready. In another terminal:
  {callboard} send reverse_string text=hello
  {callboard} watch
or with nothing but Redis, in two of them:
  redis-cli -u {url} SUBSCRIBE {results}
  redis-cli -u {url} PUBLISH {tasks} '{request}'
Ctrl-C stops everything.
"""

#: How soon it is tried again to end what has only just begun.
RETRY_S = 0.1


class PatientManager(Manager):  # type: ignore[misc]
    """Ends programs that are starting, too: honcho learns a program's pid a moment later, and fails without it."""

    def __init__(self, printer: Printer) -> None:
        super().__init__(printer)
        self._process_id = os.getpid()

    def terminate(self) -> None:
        """Called by the handlers of SIGINT and SIGTERM, and when a program has ended."""
        if os.getpid() != self._process_id:
            # A process of honcho's own that was just forked, with the handlers: it would wait for pids without end.
            return
        if all("pid" in state or "returncode" in state for state in self._processes.values()):
            super().terminate()
        else:
            threading.Timer(RETRY_S, self.terminate).start()


def main() -> int:
    """Runs until Ctrl-C, SIGTERM or the end of one of the processes or of the Redis started for them; returns the exit
    code."""
    # Until honcho handles both signals: the Redis that is started here has to be stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        settings = load_settings()
        with local_redis(settings) as server:
            kind = (
                "the one that runs there"
                if server is None
                else "started for this, and it forgets everything at the end"
            )
            print(f"Redis at {settings.redis.location}: {kind}.", flush=True)
            terminal = Terminal()
            manager = _manager(terminal)
            threading.Thread(target=_hint_when_ready, args=[settings, terminal], daemon=True).start()
            if server is not None:
                threading.Thread(target=_end_with, args=[server, manager], daemon=True).start()
            manager.loop()
            if server is not None and (exit_code := server.process.poll()) is not None:
                raise RedisServerError(
                    f"the Redis that was started for this {described(exit_code)}, so all were stopped; it forgot "
                    f"everything, and its last words were: {server.last_words()}"
                )
    except CallboardError as error:
        print(f"callboard: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    # Ctrl-C is how one stops this: no failure, though honcho counts it as one.
    if manager.returncode in (130, 143):
        return 0
    # The worker replaces a process of its own that dies. The other programs end by themselves for a reason only that
    # would end them again.
    print(
        f"callboard: a program ended by itself with exit code {manager.returncode}, so all were stopped; see above why",
        file=sys.stderr,
    )
    return manager.returncode or 1


def _manager(terminal: Terminal) -> Manager:
    manager = PatientManager(Printer(terminal))
    # A pipe makes Python hold lines back; the worker's Python prints nothing before its log is set up.
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}

    def add(name: str, *command: str) -> None:
        # honcho runs a shell: `exec` lets it step aside, so that signals reach the command itself.
        line = subprocess.list2cmdline(command) if os.name == "nt" else f"exec {shlex.join(command)}"
        manager.add_process(name, line, env=environment)

    add("worker", sys.executable, "-m", "worker")
    add("ingress", sys.executable, "-m", "ingress")
    add("scheduler", sys.executable, "-m", "scheduler")
    return manager


def _end_with(server: RedisServer, manager: Manager) -> None:
    # The others would wait for this Redis, and nobody starts it again.
    server.process.wait()
    manager.terminate()


def _hint_when_ready(settings: Settings, terminal: Terminal) -> None:
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    channels = settings.redis.channels
    while time.monotonic() < deadline_s:
        if _is_ready(settings.redis):
            print(
                HINT.format(
                    callboard=os.path.relpath(Path(sys.executable).with_name("callboard")),
                    url=settings.redis.location,
                    tasks=channels.tasks_queue,
                    results=channels.results_queue,
                    request=EXAMPLE_REQUEST,
                ),
                file=terminal,
                flush=True,
            )
            return
        time.sleep(0.1)


def _is_ready(place: RedisSettings) -> bool:
    with connect(place.connection_url, place.key_prefix) as client:
        try:
            ((_, listeners),) = client.pubsub_numsub(place.channels.tasks_queue)
            return bool(listeners > 0 and client.zcard(heartbeats_key(namespace_of(place.key_prefix))) > 0)
        except redis.RedisError:
            return False


if __name__ == "__main__":
    take_no_arguments("python -m client.run", __doc__)
    sys.exit(main())
