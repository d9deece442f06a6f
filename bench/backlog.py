"""What a task costs while many messages wait in the queue."""

import redis

from bench.driver import Driver, Workload
from bench.load import sustain
from bench.processes import Processes, processes
from bench.systems import WORKER_PROCESSES, System
from client.redis_server import RedisServer
from transport.appetite import MOST

#: Holds all messages of the queue, wherever in it they wait.
MESSAGES = "dramatiq:default.msgs"

#: What the workers have taken at any moment, at most.
TAKEN = WORKER_PROCESSES * MOST

CHUNK = 2_000
ENQUEUE_S = 60.0

#: Outcomes before the measurement, for the workers to have finished starting.
WARM_UP = 5_000


def cpu_s_with_backlog(system: System, waiting: int, requests: int) -> float:
    """CPU seconds per task, ingress and workers together, with `waiting` messages in the queue the whole time.

    They are enqueued before the workers start; from then on the driver publishes one request for each outcome.
    """
    with (
        RedisServer() as server,
        redis.Redis.from_url(server.url) as client,
        processes(system, server.url) as started,
        Driver(server.url, Workload()) as driver,
    ):
        started.start(*system.ingress)
        started.wait_until(lambda: client.pubsub_numsub("tasks")[0][1] > 0, "anyone listened on 'tasks'", ENQUEUE_S)
        _enqueue(driver, started, client, waiting + TAKEN)
        for command in system.workers:
            started.start(*command)
        sustain(driver, WARM_UP)
        cpu_s = started.cpu_s()
        answered = sustain(driver, requests)
        return (started.cpu_s() - cpu_s) / answered


def _enqueue(driver: Driver, started: Processes, client: "redis.Redis", messages: int) -> None:
    """Publishes that many requests, no faster than the ingress enqueues them."""
    while driver.published < messages:
        driver.publish(min(CHUNK, messages - driver.published))
        started.wait_until(
            lambda: int(client.hlen(MESSAGES)) >= driver.published,
            f"{driver.published:,} requests were queued",
            ENQUEUE_S,
        )
