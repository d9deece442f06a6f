"""How ingresses and schedulers show that they run, to whoever looks. Workers have their pulse."""

import os
import socket
import time
from contextlib import suppress
from typing import Any
from uuid import uuid4

import redis
from dramatiq.common import current_millis
from pydantic_core import to_json

#: A process shows itself this often at least, and counts as gone when it has not for so long.
SHOW_S = 5.0
PRESENT_MS = 16_000

#: The index outlives the last process by an hour; a process renews it every so many times that it shows itself.
INDEX_MS = 3600 * 1000
INDEX_SHOWS = 60

_STARTED_MS = current_millis()


def description(role: str) -> bytes:
    """What a process says of itself."""
    return to_json({"role": role, "host": socket.gethostname(), "pid": os.getpid(), "since_ms": _STARTED_MS})


def index_key(key_prefix: str) -> str:
    """The set of the ids of all processes that run, and of some that have run."""
    return f"{key_prefix}callboard:present"


def lease_key(key_prefix: str, tasks_channel: str) -> str:
    """The key that holds the token of the ingress which takes in what is published on this channel."""
    return f"{key_prefix}callboard:lease:{tasks_channel}"


class Presence:
    """Shows one process. Nothing depends on that."""

    def __init__(self, client: "redis.Redis", key_prefix: str, role: str, token: str | None = None) -> None:
        self._client = client
        self._index = index_key(key_prefix)
        self._id = f"{role}:{token or uuid4().hex}"
        self._role = role
        self._due_s = 0.0
        self._shows = 0

    def show_when_due(self) -> None:
        """Shows that this process runs, unless it has done so lately."""
        if time.monotonic() < self._due_s:
            return
        self._due_s = time.monotonic() + SHOW_S
        with suppress(redis.RedisError):
            self.show()

    def show(self) -> None:
        """Shows that this process runs.

        Raises:
            redis.RedisError: when Redis does not answer, or does not let this process write. Not when it has no memory
                left, which PEXPIRE does not need.
        """
        is_known = self._client.pexpire(f"{self._index}:{self._id}", PRESENT_MS)
        if not is_known or self._shows % INDEX_SHOWS == 0:
            with suppress(redis.RedisError):
                self._join()
        self._shows += 1

    def leave(self) -> None:
        """Says that it is gone."""
        with suppress(redis.RedisError), self._client.pipeline(transaction=False) as pipeline:
            pipeline.srem(self._index, self._id)
            pipeline.delete(f"{self._index}:{self._id}")
            pipeline.execute()

    def _join(self) -> None:
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.set(f"{self._index}:{self._id}", description(self._role), px=PRESENT_MS)
            pipeline.sadd(self._index, self._id)
            pipeline.pexpire(self._index, INDEX_MS)
            pipeline.smembers(self._index)
            members: Any = pipeline.execute()[-1]
        ids = [member.decode() for member in members]
        signs = self._client.mget([f"{self._index}:{present_id}" for present_id in ids])
        if gone := [present_id for present_id, sign in zip(ids, signs, strict=True) if sign is None]:
            self._client.srem(self._index, *gone)
