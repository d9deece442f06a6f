"""The shape of the older daemon: a listener hands every request to Celery on a Redis broker, the task publishes.

The worker is `celery -A bench.peers.celery_daemon worker`, the listener `python -m bench.peers.celery_daemon`.
"""

import os
from typing import Any
from uuid import uuid4

import redis
from celery import Celery

from bench.peers.wire import requests, reversed_outcome

app = Celery("celery_daemon", broker=os.environ["REDIS_URL"])
client = redis.Redis.from_url(os.environ["REDIS_URL"])


def reverse(request: dict[str, Any], task_id: str) -> None:
    """Performs one request and publishes its outcome."""
    client.publish("results", reversed_outcome(request, task_id))


# Named outright, because this module is `__main__` in the listener and `bench.peers.celery_daemon` in the worker.
reverse_string = app.task(reverse, name="reverse_string")


def main() -> None:
    """Enqueues a Celery task for every request until it is killed."""
    for request in requests(client):
        reverse_string.delay(request, str(uuid4()))


if __name__ == "__main__":
    main()
