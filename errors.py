"""The base of Callboard's exceptions, `except CallboardError` catches them all, and those that belong to no room. The
others are where they arise, most of them in `client/errors.py`."""


class CallboardError(Exception):
    """The base of Callboard's own errors. Its message is one readable sentence, fit for an operator or a client."""


class SettingsError(CallboardError):
    """A setting is wrong: the message names the key, the value it has and what is accepted."""


class DeclarationError(CallboardError):
    """A task is declared wrongly; raised when it is imported, never at a request."""


class InvalidParametersError(CallboardError):
    """The request itself is wrong, so trying again cannot help.

    A task raises it to end with an `invalid_parameters` outcome at once; every other exception is retried.
    """


class InvalidResultError(CallboardError):
    """A task has returned something else than its return annotation says; the attempt counts as failed."""


class TaskExitError(CallboardError):
    """A task has raised `Shutdown`, or an `async` one has called `sys.exit()`; the attempt counts as failed."""


class RedisServerError(CallboardError):
    """No Redis server could be found or started on this machine."""
