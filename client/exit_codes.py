"""What a command's exit code says to the program that has started it."""

from enum import IntEnum

from client.errors import NobodyListensError, NoOutcomeError, NotFoundError, RedisAwayError, UsageError


class ExitCode(IntEnum):
    """0 and 2 are what they are for every command; a command that Ctrl-C has ended returns 130."""

    OK = 0
    #: The request ended with an error; or the command could not do what it was asked for.
    FAILED = 1
    #: The command line is wrong: an option, a value that no request may have, a task or a parameter that there is not.
    USAGE = 2
    NOBODY_LISTENS = 3
    TIMEOUT = 4
    REDIS_AWAY = 5
    NOT_FOUND = 6


def exit_code_of(error: Exception) -> ExitCode:
    """The exit code of a command that ends with this error."""
    codes = {
        UsageError: ExitCode.USAGE,
        NobodyListensError: ExitCode.NOBODY_LISTENS,
        NoOutcomeError: ExitCode.TIMEOUT,
        RedisAwayError: ExitCode.REDIS_AWAY,
        NotFoundError: ExitCode.NOT_FOUND,
    }
    return next((code for kind, code in codes.items() if isinstance(error, kind)), ExitCode.FAILED)
