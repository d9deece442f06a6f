"""`callboard`: what people type who run Callboard, or call it."""

import sys
from typing import NoReturn

import redis

import client.commands  # noqa: F401 - adds the commands
from client.application import app
from client.exit_codes import exit_code_of
from client.installation import settings
from client.output import escape_what_cannot_be_written
from client.place import redis_away
from errors import CallboardError
from logs import one_line


def main() -> None:
    """Runs the command that was typed; an error of Callboard's own is one line on standard error, and an exit code that
    says of which kind it is."""
    escape_what_cannot_be_written()
    try:
        app()
    except CallboardError as error:
        _end(error)
    except redis.RedisError as error:
        _end(redis_away(settings().redis, error))


def _end(error: CallboardError) -> NoReturn:
    print(f"callboard: {one_line(str(error))}", file=sys.stderr)
    sys.exit(exit_code_of(error))


if __name__ == "__main__":
    main()
