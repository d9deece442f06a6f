"""Where on this machine the processes of a Callboard can be asked: each has a Unix socket in one folder.

So a health check needs no port, asks the process itself and nobody who has heard of it, and cannot take one host's
process for another's.
"""

import getpass
import http.client
import json
import os
import socket
import stat
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from errors import CallboardError
from monitoring.health import Report
from settings import Settings

#: How long a process has for its answer. Computed without Redis, it is there in a millisecond.
ANSWER_S = 5.0


class LocalPlace:
    """The folder with the sockets, and which of them are of this Callboard: the same host, the same Redis."""

    def __init__(self, settings: Settings) -> None:
        default = Path(tempfile.gettempdir(), f"callboard-{_user()}")
        self.folder = Path(settings.monitoring.runtime_folder or default)
        place = f"{socket.gethostname()} {settings.redis.location} {settings.redis.key_prefix}"
        self._mark = f"{zlib.crc32(f'{place} {settings.redis.channels.tasks_queue}'.encode()):08x}"

    def prepare(self, role: str) -> Path:
        """The path of this process's socket, free to be bound.

        Raises:
            OSError: when there is no such folder and it cannot be made.
            CallboardError: when the folder is somebody else's, who could pass for this process there.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (0, os.getuid()):
            raise CallboardError(
                f"{self.folder} is not this user's own folder: set monitoring.runtime_folder to another"
            )
        for path in self.sockets(role):
            if _connect(path) is None:
                path.unlink(missing_ok=True)
        return self.socket(role, os.getpid())

    def socket(self, role: str, pid: int) -> Path:
        """That of the process with this id."""
        return self.folder / f"{role}-{self._mark}-{pid}.sock"

    def sockets(self, role: str) -> list[Path]:
        """Those of all processes with this role, also of some that are gone."""
        return sorted(self.folder.glob(f"{role}-{self._mark}-*.sock"))

    def ask(self, role: str, path: str) -> Iterator[Report]:
        """What each process of this role answers; one that does not answer is not healthy, one that is gone is left
        out.

        Parameters:
            path: "/readyz" or "/healthz".
        """
        for place in self.sockets(role):
            if (report := _ask(role, place, path)) is not None:
                yield report


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # in a container that has no names for users
        return str(os.getuid())


def _ask(role: str, place: Path, path: str) -> Report | None:
    connection = http.client.HTTPConnection("localhost", timeout=ANSWER_S)
    try:
        if (opened := _connect(place)) is None:
            return None
        connection.sock = opened
        connection.request("GET", path)
        return Report(**json.loads(connection.getresponse().read()))
    except (OSError, http.client.HTTPException, ValueError):
        pid = int(place.stem.rpartition("-")[2])
        return Report(role, pid, [f"it does not answer within {ANSWER_S:.0f} s"])
    finally:
        connection.close()


def _connect(place: Path) -> socket.socket | None:
    """None when nobody is there any more."""
    opened = socket.socket(socket.AF_UNIX)
    opened.settimeout(ANSWER_S)
    try:
        opened.connect(str(place))
    except (ConnectionRefusedError, FileNotFoundError):
        opened.close()
        return None
    except OSError:
        opened.close()
        raise
    return opened
