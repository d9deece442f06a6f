"""A Redis in which each process has a user of its own, those of the file in `deploy/`."""

import re
from hashlib import sha256
from pathlib import Path
from typing import Any

from client.redis_server import RedisServer
from transport.connection import connect

USERS_FILE = Path(__file__).parents[1] / "deploy" / "redis-users.conf"

#: Who may do everything, as the tests themselves do.
OPERATOR = "operator"

#: The ingress says in its log what to set instead; redis-py sends the other one with each new connection.
KNOWN_DENIALS = {"config|get", "client|setinfo"}

#: Whose rights a command of `tests.system` has.
USER_OF = {"ingress": "ingress", "worker": "worker", "dramatiq": "worker", "scheduler": "scheduler", "web": "web"}


class AclServer(RedisServer):
    """A server with the users of the file; `url` is that of the operator."""

    def start(self) -> None:
        """Starts the server, with a password for each user."""
        self.url = f"redis://{OPERATOR}:{_password(OPERATOR)}@127.0.0.1:{self.port}/0"
        users = USERS_FILE.read_text().replace(f"#user {OPERATOR}", f"user {OPERATOR}")
        users = re.sub(r"SHA256_OF_THE_PASSWORD_OF_(\w+)", lambda name: _hash_of_password(name[1]), users)
        Path(self._folder.name, "users.conf").write_text(users)
        super().start()

    def _command(self) -> list[str]:
        return [*super()._command(), "--include", str(Path(self._folder.name, "users.conf"))]


def url_of(url: str, user: str) -> str:
    """The URL of the same Redis for one of its users; any other Redis's URL as it is."""
    return url.replace(f"//{OPERATOR}:{_password(OPERATOR)}@", f"//{user}:{_password(user)}@")


def denials(url: str) -> set[tuple[str, str]]:
    """Who was denied what on the Redis there, also inside of a script, apart from what is known and harmless."""
    with connect(url) as operator:
        log: Any = operator.acl_log()
    denied = {(entry["username"], entry["object"]) for entry in log}
    return {(user, what) for user, what in denied if what not in KNOWN_DENIALS}


def _password(user: str) -> str:
    return f"password-of-{user}"


def _hash_of_password(user: str) -> str:
    return sha256(_password(user).encode()).hexdigest()
