"""What every peer does alike: hear the requests, perform the one task, write its outcome."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import redis
from redis.asyncio import Redis


def requests(client: "redis.Redis") -> Iterator[dict[str, Any]]:
    """The requests published on `tasks`, one after another, for ever."""
    subscription = client.pubsub(ignore_subscribe_messages=True)
    subscription.subscribe("tasks")
    for message in subscription.listen():
        yield json.loads(message["data"])


async def requests_async(client: "Redis") -> AsyncIterator[dict[str, Any]]:
    """The same with asyncio."""
    subscription = client.pubsub(ignore_subscribe_messages=True)
    await subscription.subscribe("tasks")
    async for message in subscription.listen():
        yield json.loads(message["data"])


def reversed_outcome(request: dict[str, Any], task_id: str) -> str:
    """Performs a `reverse_string` request and returns its outcome as JSON, ready to be published on `results`."""
    return json.dumps(
        {
            "user_id": request["user_id"],
            "task_type": request["task_type"],
            "task_id": task_id,
            "status": "completed",
            "timestamp": datetime.now(UTC).isoformat(),
            "result": {"reversed_text": request["parameters"]["text"][::-1]},
        }
    )
