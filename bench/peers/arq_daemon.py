"""The same with arq: a listener enqueues one job a request, the job publishes.

The worker is `arq bench.peers.arq_daemon.WorkerSettings`, the listener `python -m bench.peers.arq_daemon`.
"""

import asyncio
import os
from typing import Any
from uuid import uuid4

from arq import create_pool
from arq.connections import RedisSettings

from bench.peers.wire import requests_async, reversed_outcome

PLACE = RedisSettings.from_dsn(os.environ["REDIS_URL"])


async def reverse_string(context: dict[str, Any], request: dict[str, Any], task_id: str) -> None:
    """Performs one request and publishes its outcome."""
    await context["redis"].publish("results", reversed_outcome(request, task_id))


class WorkerSettings:
    """What the command line of arq reads."""

    functions = (reverse_string,)
    redis_settings = PLACE


async def main() -> None:
    """Enqueues a job for every request until it is killed."""
    pool = await create_pool(PLACE)
    async for request in requests_async(pool):
        await pool.enqueue_job("reverse_string", request, str(uuid4()))


if __name__ == "__main__":
    asyncio.run(main())
