"""A queue and nothing else: one process lays what it hears on a list, others take it from there and answer it. What
three ways through Redis cost in Python, where the bare echo goes two.

`python -m bench.peers.bare_chain` hears, `python -m bench.peers.bare_chain answer` answers. Whoever dies takes with it
what it holds; nothing is checked, repeated or kept.
"""

import json
import os
import sys
from uuid import uuid4

import redis

from bench.peers.wire import requests, reversed_outcome

QUEUE = "chain"


def hear(client: "redis.Redis") -> None:
    """Lays requests on the list, one after another, until it is killed."""
    for request in requests(client):
        client.rpush(QUEUE, json.dumps(request))


def answer(client: "redis.Redis") -> None:
    """Answers them, one after another, until it is killed."""
    while True:
        # redis-py 8 gives up on a read after 5 s of its own accord: the answer "nothing" has to come before.
        if popped := client.blpop([QUEUE], timeout=2):
            client.publish("results", reversed_outcome(json.loads(popped[1]), str(uuid4())))


if __name__ == "__main__":
    part = answer if sys.argv[1:] == ["answer"] else hear
    part(redis.Redis.from_url(os.environ["REDIS_URL"]))
