"""Schedulers that are too many, die, or are late."""

import json
import time

import redis

from tests.faults.extent import Extent
from tests.faults.ledger import Account
from tests.faults.row import Row
from tests.faults.site import Site

JOB_USER = "the-schedule"

#: How often the job is due, so that the firings can be counted by the clock.
INTERVAL_S = 1.0

SCHEDULE = [
    {
        "name": "tick",
        "interval_s": INTERVAL_S,
        "task_type": "reverse_string",
        "parameters": {"text": "tick"},
        "user_id": JOB_USER,
    }
]


def three_at_once(extent: Extent) -> Row:
    """Of three schedulers with one job, one is killed, and one stands still for a while: each firing comes once."""
    part_s = 3.0 * extent.times
    with Site({"schedule": SCHEDULE}) as site, site.client() as client, client.pubsub() as results:
        site.start("ingress", "worker", "scheduler-1", "scheduler-2", "scheduler-3")
        results.subscribe("results")
        count = _count_firings(results, part_s)
        site.system.kill("scheduler-1")
        with site.system.suspended("scheduler-2"):
            count += _count_firings(results, part_s)
        count += _count_firings(results, part_s)
    due = int(3 * part_s / INTERVAL_S)
    account = Account(sent=due, answered=min(count, due))
    # By the clock, one at either end may belong to the time before or after.
    account.lost = list(range(count + 1, due))
    account.twice = list(range(due + 1, count))
    return Row("three schedulers, one killed, one late", 2, account, 0.0, steady=False)


def _count_firings(results: "redis.client.PubSub", seconds: float) -> int:
    count = 0
    deadline = time.monotonic() + seconds
    while (left_s := deadline - time.monotonic()) > 0:
        message = results.get_message(ignore_subscribe_messages=True, timeout=left_s)
        count += message is not None and json.loads(message["data"])["user_id"] == JOB_USER
    return count
