"""The straightforward port to Dramatiq: stock broker, stock middleware, one `send` a request, the actor publishes.

The worker is `dramatiq bench.peers.dramatiq_port`, the ingress `python -m bench.peers.dramatiq_port`.
"""

import os
from typing import Any
from uuid import uuid4

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker

from bench.peers.wire import requests, reversed_outcome

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))
client = redis.Redis.from_url(os.environ["REDIS_URL"])


@dramatiq.actor
def reverse_string(request: dict[str, Any], task_id: str) -> None:
    """Performs one request and publishes its outcome, before Dramatiq acknowledges the message."""
    client.publish("results", reversed_outcome(request, task_id))


def main() -> None:
    """Enqueues a message for every request until it is killed."""
    for request in requests(client):
        reverse_string.send(request, str(uuid4()))


if __name__ == "__main__":
    main()
