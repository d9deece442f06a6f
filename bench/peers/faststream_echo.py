"""The same with FastStream: a handler that answers each request where it is heard; like the bare echo, with no queue.

Run by `python -m bench.peers.faststream_echo`. A second process of it would answer every request a second time.
"""

import asyncio
import os
from typing import Any
from uuid import uuid4

from faststream import FastStream
from faststream.redis import RedisBroker
from redis.asyncio import Redis

from bench.peers.wire import reversed_outcome

broker = RedisBroker(os.environ["REDIS_URL"])
client = Redis.from_url(os.environ["REDIS_URL"])


async def answer(request: dict[str, Any]) -> None:
    """Performs one request and publishes its outcome: not by FastStream, which would wrap it in a format of its own."""
    await client.publish("results", reversed_outcome(request, str(uuid4())))


broker.subscriber("tasks")(answer)


if __name__ == "__main__":
    asyncio.run(FastStream(broker).run())
