"""`callboard`: what people type who run Callboard, or call it."""

import signal
import sys
from typing import NoReturn

import redis
from pydantic_core import PydanticSerializationError

import client.commands  # noqa: F401 - adds the commands
from client.application import app
from client.errors import UsageError
from client.exit_codes import exit_code_of
from client.installation import settings
from client.output import escape_what_cannot_be_written, output_that_may_be_lost
from client.place import redis_away
from errors import CallboardError
from logs import one_line


def main() -> None:
    """Runs the command that was typed; an error of Callboard's own is one line on standard error, and an exit code that
    says of which kind it is."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        # As `quiet_interrupt` has left it. From here on a command has something to say, or to stop.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    escape_what_cannot_be_written()
    try:
        with output_that_may_be_lost():
            app()
    except CallboardError as error:
        _end(error)
    except (UnicodeError, PydanticSerializationError):
        if (word := _word_that_is_no_text()) is None:
            raise
        _end(UsageError(f"{word!r} is not UTF-8, as every id and every name is: look whether all of it was copied"))
    except redis.RedisError as error:
        _end(redis_away(settings().redis, error))


def _word_that_is_no_text() -> str | None:
    """What was typed and cannot be sent to anybody, as the words of a command line can be any bytes."""
    for word in sys.argv[1:]:
        try:
            word.encode()
        except UnicodeEncodeError:
            return word
    return None


def _end(error: CallboardError) -> NoReturn:
    print(f"callboard: {one_line(str(error))}", file=sys.stderr)
    sys.exit(exit_code_of(error))


if __name__ == "__main__":
    main()
