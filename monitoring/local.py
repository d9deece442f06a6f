"""Where on this machine the processes of a Callboard can be asked: each has a Unix socket in one folder.

So a health check needs no port, asks the process itself and nobody who has heard of it, and cannot take one host's
process for another's.
"""

import getpass
import http.client
import os
import socket
import stat
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import TypeAdapter

from errors import CallboardError
from monitoring.health import Report
from settings import Settings

#: How long a process has for its answer. Computed without Redis, it is there in a millisecond.
ANSWER_S = 5.0

#: Reads an answer, which may be anything else: of another version, or of no process of Callboard's.
REPORT = TypeAdapter(Report)


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
        self._refuse_foreign_folder()
        for path in self.sockets(role):
            if not _is_taken(path):
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

        Raises:
            CallboardError: when the folder is somebody else's, who could answer there for any process.
        """
        try:
            self._refuse_foreign_folder()
        except OSError:  # there is none, or none that this user can see
            return
        for address in self.sockets(role):
            if (report := _ask(role, address, path)) is not None:
                yield report

    def _refuse_foreign_folder(self) -> None:
        found = self.folder.lstat()
        # Root is trusted, too. On Windows each folder seems to be root's.
        is_trusted = not found.st_uid or found.st_uid == os.getuid()
        if not (stat.S_ISDIR(found.st_mode) and is_trusted):
            raise CallboardError(
                f"{self.folder} is not this user's own folder: set monitoring.runtime_folder to another, or be the "
                "user whose it is"
            )
        if os.name == "posix" and found.st_mode & stat.S_IWOTH:
            raise CallboardError(
                f"{self.folder} can be written to by every user, who could pass for any process there: set "
                "monitoring.runtime_folder to another, or take that right away"
            )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # in a container that has no names for users
        return str(os.getuid())


def _ask(role: str, address: Path, path: str) -> Report | None:
    connection = http.client.HTTPConnection("localhost", timeout=ANSWER_S)
    try:
        if (opened := _connect(address)) is None:
            return None
        connection.sock = opened
        connection.request("GET", path)
        return REPORT.validate_json(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        pid = int(address.stem.rpartition("-")[2])
        return Report(role, pid, [f"it does not answer within {ANSWER_S:.0f} s"])
    finally:
        connection.close()


def _is_taken(address: Path) -> bool:
    """Whether a process is there; it may stand still, and have so many callers waiting that it takes no more."""
    try:
        opened = _connect(address)
    except OSError:
        return True
    if opened is None:
        return False
    opened.close()
    return True


def _connect(address: Path) -> socket.socket | None:
    """None when nobody is there any more."""
    opened = socket.socket(socket.AF_UNIX)
    opened.settimeout(ANSWER_S)
    try:
        opened.connect(str(address))
    except (ConnectionRefusedError, FileNotFoundError):
        opened.close()
        return None
    except OSError:
        opened.close()
        raise
    return opened
