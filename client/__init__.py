"""What stands around a running Callboard: clients that call its tasks, the `callboard` command, and the Redis that one
may need on one's own machine.

    from client import AsyncCallboardClient, CallboardClient
"""

from client.async_client import AsyncCallboardClient, AsyncCaller, AsyncSentRequest
from client.callboard_client import CallboardClient, Caller, SentRequest
from client.errors import ClientClosedError, NobodyListensError, NoOutcomeError, RedisAwayError, TaskError
from client.request import RequestOptions

__all__ = [
    "AsyncCallboardClient",
    "AsyncCaller",
    "AsyncSentRequest",
    "CallboardClient",
    "Caller",
    "ClientClosedError",
    "NoOutcomeError",
    "NobodyListensError",
    "RedisAwayError",
    "RequestOptions",
    "SentRequest",
    "TaskError",
]
