"""The Callboard that the configuration here names, for commands that look into its Redis themselves."""

from functools import cache

import redis

from settings import Settings, load_settings
from transport.connection import connect


@cache
def settings() -> Settings:
    """Read when it is first needed, so that `--help` needs no configuration."""
    return load_settings()


@cache
def redis_client() -> "redis.Redis":
    """The one client of this process."""
    place = settings().redis
    return connect(place.connection_url, place.key_prefix)
