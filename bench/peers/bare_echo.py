"""No queue at all: one process that answers each request where it receives it. What the wire itself costs in Python.

Run by `python -m bench.peers.bare_echo`. It loses whatever it holds when it dies, and one slow task stops all others.
"""

import os
from uuid import uuid4

import redis

from bench.peers.wire import requests, reversed_outcome


def main() -> None:
    """Answers requests one after another until it is killed."""
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    for request in requests(client):
        client.publish("results", reversed_outcome(request, str(uuid4())))


if __name__ == "__main__":
    main()
