"""The Lua scripts beside this file: each is one atomic step on Redis."""

from pathlib import Path

import redis
from redis.commands.core import Script

_FOLDER = Path(__file__).parent


def script(client: "redis.Redis", *names: str) -> Script:
    """The script of the last of `names`, with the functions of those before it, callable on `client`; redis-py loads it
    again when Redis has lost it."""
    return client.register_script(b"".join((_FOLDER / f"{name}.lua").read_bytes() for name in names))
