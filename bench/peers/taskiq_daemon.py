"""The same with Taskiq: a listener kicks one task a request over a Redis stream, the task publishes.

The worker is `taskiq worker bench.peers.taskiq_daemon:broker`, the listener `python -m bench.peers.taskiq_daemon`.
"""

import asyncio
import os
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis
from taskiq_redis import RedisStreamBroker

from bench.peers.wire import requests_async, reversed_outcome

broker = RedisStreamBroker(os.environ["REDIS_URL"])
client = Redis.from_url(os.environ["REDIS_URL"])


async def reverse(request: dict[str, Any], task_id: str) -> None:
    """Performs one request and publishes its outcome."""
    await client.publish("results", reversed_outcome(request, task_id))


# Named outright, because this module is `__main__` in the listener.
reverse_string = broker.task(task_name="reverse_string")(reverse)


async def main() -> None:
    """Kicks a task for every request until it is killed."""
    await broker.startup()
    async for request in requests_async(client):
        await reverse_string.kiq(request, str(uuid4()))


if __name__ == "__main__":
    asyncio.run(main())
