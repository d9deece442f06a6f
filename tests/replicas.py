"""An ingress, or a part of one, in the test's own process."""

import redis

import actors  # noqa: F401 - declares the tasks
from broker import answers
from ingress.gate import Gate
from ingress.intake import Intake
from ingress.lease import Lease
from ingress.queue_bound import QueueBound
from ingress.replica import Replica
from setting_sections import Limits
from task import catalogue
from transport.answers import Answers
from transport.connection import StopRequest
from transport.redis_broker import CallboardBroker
from transport.watchdog import Watchdog


def replica_on(client: "redis.Redis", stop: StopRequest, backlog_bytes: int = 1_000_000) -> Replica:
    """One that hears the channel `tasks`, until it is asked to stop."""
    broker = CallboardBroker(client, [])
    intake = Intake(
        Gate(catalogue, Limits()), broker, answers, stop, QueueBound(broker, 1_000_000), "callboard:later:tasks"
    )
    lease = Lease(client, "callboard:lease:tasks")
    limits = Limits(pubsub_buffer_bytes=0, backlog_bytes=backlog_bytes)
    return Replica(client, "tasks", lease, intake, stop, limits, watchdog=Watchdog(), key_prefix="")


def refusing_intake(broker: CallboardBroker, bound: QueueBound, stop: StopRequest, later: str = "") -> Intake:
    """One that knows no task: so each request is answered at once when it is judged."""
    answers_here = Answers("results", outcome_ttl_s=60, request_id_ttl_s=60)
    return Intake(Gate({}, Limits()), broker, answers_here, stop, bound, later)
