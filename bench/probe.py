"""Asks a system that is starting whether it answers yet."""

import json
import time
from uuid import uuid4

import redis

ANSWER_S = 0.2


def is_answered(url: str) -> bool:
    """Publishes one small request and says whether any outcome comes within `ANSWER_S`."""
    with redis.Redis.from_url(url) as client, client.pubsub() as subscription:
        subscription.subscribe("results")
        subscription.get_message(timeout=ANSWER_S)  # the confirmation: from here on nothing is missed
        probe = {"task_type": "reverse_string", "user_id": f"probe-{uuid4()}", "parameters": {"text": "probe"}}
        client.publish("tasks", json.dumps(probe))
        deadline_s = time.monotonic() + ANSWER_S
        while (left_s := deadline_s - time.monotonic()) > 0:
            message = subscription.get_message(timeout=left_s)
            if message is not None and message["type"] == "message":
                return True
    return False
