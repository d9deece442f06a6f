"""Which queues there are: those that a worker has worked for lately. KEYS would read every key of this Redis."""

from typing import Any

import redis

#: How long a queue is remembered that no worker has worked for.
REMEMBERED_MS = 30 * 24 * 3600 * 1000

#: The queue of tasks that name none; it is known before any worker has worked for it.
DEFAULT = "default"


def namespace_of(key_prefix: str) -> str:
    """What the keys of all queues begin with."""
    return f"{key_prefix}dramatiq"


def known_queues(client: "redis.Redis", namespace: str) -> list[str]:
    """Their names, without those of their delay queues."""
    members: Any = client.smembers(f"{namespace}:__queues__")
    return sorted({DEFAULT} | {member.decode() for member in members})
