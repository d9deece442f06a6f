"""What a client of Callboard may have to hear."""

from contract import ErrorCode, TaskOutcome
from errors import CallboardError


class TaskError(CallboardError):
    """The request has ended without a result; the message is the sentence of its outcome."""

    def __init__(self, outcome: TaskOutcome) -> None:
        super().__init__(outcome.error or "The task failed and does not say why")
        self.outcome = outcome

    @property
    def code(self) -> ErrorCode | str:
        """Why, in one word: `unknown_task`, `timeout`, ... or one that this version does not know yet."""
        return self.outcome.error_code or ErrorCode.FAILED


class NobodyListensError(CallboardError):
    """What was published reached nobody, so nobody is going to answer it."""


class NoOutcomeError(CallboardError, TimeoutError):
    """Nothing was heard of the end of a request in the time that was given. It may still run."""


class RedisAwayError(CallboardError, ConnectionError):
    """Redis does not answer, or does not let this client do what it has to."""


class OptionError(CallboardError, TypeError):
    """A client was given an option that is none, or one with a value that is not accepted; nothing was sent."""


class UsageError(CallboardError):
    """What was typed is no request that the running system could perform."""


class NotFoundError(CallboardError):
    """There is nothing of this name, or not any more."""


class ClientClosedError(CallboardError):
    """The client was closed: nothing can be sent, and what was outstanding is not heard any more."""


class MisplacedError(CallboardError, RuntimeError):
    """A client or a request is used where nothing is heard for it: in another event loop than its first one, or in a
    process that was forked from the one that sent the request."""
