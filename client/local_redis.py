"""`python -m client.local_redis`: the Redis of the configuration on this machine, where none answers yet."""

import sys
from contextlib import AbstractContextManager, nullcontext

from client.redis_server import RedisServer, why_no_answer
from errors import CallboardError, RedisServerError
from settings import Settings, load_settings

LOCAL_HOSTS = {"localhost", "127.0.0.1"}


def local_redis(settings: Settings) -> AbstractContextManager[RedisServer | None]:
    """A context in which the configured Redis answers: None where it does so anyway, else a server started for it.

    Raises:
        RedisServerError: when the configuration means another machine's Redis, or no server program is here.
    """
    place = settings.redis
    if (reason := why_no_answer(place.connection_url)) is None:
        return nullcontext()
    if place.url or place.sentinel or place.cluster or place.host not in LOCAL_HOSTS:
        raise RedisServerError(
            f"no Redis answers at {place.location} ({reason}); start it, or remove REDIS_URL, REDIS_HOST and what the "
            "configuration says of redis but its port, to have one started on this machine"
        )
    return RedisServer(port=place.port)


def main() -> int:
    """Runs the server until it is stopped; returns its exit code."""
    try:
        settings = load_settings()
        with local_redis(settings) as server:
            if server is None:
                print(f"A Redis answers at {settings.redis.location} already.")
                return 0
            print(f"Redis at {settings.redis.location}, Ctrl-C stops it.", flush=True)
            return server.process.wait()
    except CallboardError as error:
        print(f"callboard: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
