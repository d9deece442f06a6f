"""`callboard`: what people type who run Callboard, or call it."""

import sys

import redis

import client.commands  # noqa: F401 - adds the commands
from client.application import app
from client.exit_codes import ExitCode, exit_code_of
from errors import CallboardError
from logs import one_line


def main() -> None:
    """Runs the command that was typed; an error of Callboard's own is one line on standard error, and an exit code that
    says of which kind it is."""
    try:
        app()
    except CallboardError as error:
        _end(str(error), exit_code_of(error))
    except redis.RedisError as error:
        _end(f"Redis does not answer: {error}", ExitCode.REDIS_AWAY)


def _end(complaint: str, code: ExitCode) -> None:
    print(f"callboard: {one_line(complaint)}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
