"""`callboard`: what people type who run Callboard, or call it."""

import sys

import redis

import client.commands  # noqa: F401 - adds the commands
from client.application import app
from errors import CallboardError


def main() -> None:
    """Runs the command that was typed; an error of Callboard's own is one line on standard error, and exit code 1."""
    try:
        app()
    except CallboardError as error:
        print(f"callboard: {error}", file=sys.stderr)
        sys.exit(1)
    except redis.RedisError as error:
        print(f"callboard: Redis does not answer: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
