"""The Lua scripts beside this file: each is one atomic step on Redis.

turns.lua is none: it holds functions, and stands before each of the others.
"""

from pathlib import Path

import redis
from redis.commands.core import Script

_FOLDER = Path(__file__).parent


def script(client: "redis.Redis", name: str) -> Script:
    """The script `name.lua`, callable on `client`; redis-py loads it again when Redis has lost it."""
    return client.register_script((_FOLDER / "turns.lua").read_bytes() + (_FOLDER / f"{name}.lua").read_bytes())
