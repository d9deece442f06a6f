"""A whole Callboard that faults happen to: its Redis, its processes by name, and a proxy for each that is to suffer."""

import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Self

import psutil
import redis

from client.redis_server import RedisServer
from tests.faults.proxy import Proxy
from tests.sentinel_set import SentinelSet
from tests.system import System, copy_project, write_config
from tests.waiting import wait_until

#: A process is done so long after it was asked to stop, whatever it works on: its 25 s, and a little more to end.
STOP_S = 28.0

TASKS = Path(__file__).parent / "fault_tasks.py"


class Site:
    """Everything that is started ends with the context.

    Parameters:
        config: sections over those of the tests' `config.json`.
        servers: its Redis, in place of a single one with nothing on disk.
        variables: what all processes have in their environment.
    """

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        servers: RedisServer | SentinelSet | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._stack = ExitStack()
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="callboard-faults-")))
        self._servers = servers or RedisServer()
        self._stack.enter_context(self._servers)
        path = write_config(self.folder, **(config or {}))
        # Before the processes, so that it ends after them: they need Redis to stop.
        self._proxy_stack = self._stack.enter_context(ExitStack())
        self.system = self._stack.enter_context(
            System(_project()[0], self._servers.url, CALLBOARD_CONFIG=str(path), **(variables or {}))
        )
        self.proxies: dict[str, Proxy] = {}

    @property
    def server(self) -> RedisServer:
        """The one Redis, or the master that Sentinels know now."""
        return self._servers if isinstance(self._servers, RedisServer) else self._servers.master()

    def url(self) -> str:
        """Where that is, without a proxy: for the load."""
        return self.server.url

    def start(self, *names: str, proxied: bool = False) -> None:
        """Starts `ingress`, `worker-2` or the like, again if need be; through a proxy of its own if so wanted."""
        for name in names:
            if proxied and name not in self.proxies:
                self.proxies[name] = self._proxy_stack.enter_context(Proxy(self.server.port))
            self.system.start(_command(name), as_=name, **self._variables(name))

    def launch(self, name: str) -> None:
        """The same for one that was started before, without waiting."""
        self.system.launch(_command(name), as_=name, **self._variables(name))

    def kill_and_start(self, name: str) -> None:
        """SIGKILL for a command with all that it has started, and a new one in its place."""
        self.system.kill(name)
        self.start(name)

    def stop_and_start(self, name: str) -> None:
        """SIGTERM for a command, and a new one when it has stopped."""
        self.system.stop(name, timeout_s=STOP_S)
        self.start(name)

    def kill_children(self, name: str) -> None:
        """SIGKILL for what a command has started; returns when it has others, or has ended and was started anew."""
        killed = self.system.kill(name, children_only=True)
        wait_until(lambda: not self.system.runs(name) or self.system.children(name) - killed, f"{name} notices", 30)
        if not self.system.runs(name):
            self.start(name)

    @contextmanager
    def kept_alive(self, *names: str) -> Iterator[None]:
        """Starts these anew when they have ended, as a process manager does, until the context ends."""
        over = threading.Event()

        def keep() -> None:
            while not over.wait(0.1):
                for name in names:
                    if not self.system.runs(name):
                        self.launch(name)

        keeper = threading.Thread(target=keep, daemon=True)
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join()

    def _variables(self, name: str) -> dict[str, str]:
        return {"REDIS_URL": self.proxies[name].url} if name in self.proxies else {}

    def client(self) -> "redis.Redis":
        """A client of the Redis itself."""
        return redis.Redis.from_url(self.url())

    def is_heard(self) -> bool:
        """Whether an ingress has subscribed; not known, and so no, while Redis stands still."""
        try:
            with self.client() as client:
                return bool(client.pubsub_numsub("tasks")[0][1])
        except redis.RedisError:
            return False

    def memory_bytes(self, name: str) -> int:
        """The resident memory of a command and all that it has started; 0 while it does not run."""
        total = 0
        if self.system.runs(name):
            for process in self.system.family(name):
                with suppress(psutil.NoSuchProcess):
                    total += process.memory_info().rss
        return total

    def redis_memory_bytes(self) -> int:
        """That of Redis; 0 while it does not run."""
        try:
            rss: int = psutil.Process(self.server.process.pid).memory_info().rss
        except psutil.NoSuchProcess:
            return 0
        return rss

    def suspend_redis(self) -> None:
        """Redis answers nobody, and keeps all connections."""
        self.server.process.send_signal(signal.SIGSTOP)

    def resume_redis(self) -> None:
        """Redis goes on where it was."""
        self.server.process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if isinstance(self._servers, RedisServer):
            self.resume_redis()
        self._stack.close()


def _command(name: str) -> str:
    return name.partition("-")[0]


@cache
def _project() -> "tuple[Path, tempfile.TemporaryDirectory[str]]":
    """A copy of the project, one for all sites, and the folder that it lives as long as."""
    folder = tempfile.TemporaryDirectory(prefix="callboard-faults-project-")
    return copy_project(Path(folder.name), {TASKS.name: TASKS.read_text()}), folder
