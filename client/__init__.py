"""What stands around a running Callboard: clients that call its tasks, the `callboard` command, and the Redis that one
may need on one's own machine.

    from client import AsyncCallboardClient, CallboardClient

The clients: `callboard_client` on `connection` and `listener`, `async_client` on `async_connection`,
`async_listener`, `async_redis` and `outbox`; what both share is in `place`, `request`, `desk`, `doubt`, `gap`, `waiter`
and `errors`.
The command: `command` runs the `application`, to which `commands/` adds a file each; they use `output`, `exit_codes`
and what is named after its subject. `asyncapi`, `json_schemas` and `examples` write the contract. `web/` is the page.
On one's own machine: `run`, `local_redis`, `redis_server`.
"""

from client.async_client import AsyncCallboardClient, AsyncCaller, AsyncSentRequest
from client.callboard_client import CallboardClient, Caller, SentRequest
from client.errors import (
    ClientClosedError,
    MisplacedError,
    NobodyListensError,
    NoOutcomeError,
    OptionError,
    RedisAwayError,
    TaskError,
)
from client.request import RequestOptions

__all__ = [
    "AsyncCallboardClient",
    "AsyncCaller",
    "AsyncSentRequest",
    "CallboardClient",
    "Caller",
    "ClientClosedError",
    "MisplacedError",
    "NoOutcomeError",
    "NobodyListensError",
    "OptionError",
    "RedisAwayError",
    "RequestOptions",
    "SentRequest",
    "TaskError",
]
