"""Whether Redis may remove what is kept in it."""

from contextlib import suppress

import redis
from loguru import logger


def warn_of_eviction(client: "redis.Redis") -> None:
    """Has the log say so where Redis removes keys when its memory is short: queues, or what repeats are known by. A
    managed Redis often does, and tells nobody when it has."""
    # INFO, since no managed one lets CONFIG through. Where this user may not ask that either, nobody is told.
    with suppress(redis.RedisError):
        policy = client.info("memory")["maxmemory_policy"]
        if policy != "noeviction":
            warning = "Redis loses requests when its memory is short: its maxmemory-policy is {!r}, set it to {!r}"
            logger.warning(warning, policy, "noeviction")
