"""What is going on now: what `callboard status` prints, and the page shows."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from client.installation import redis_client, settings
from transport.overview import MemoryState, Overview, ProcessState, QueueState, StreamState


class Situation(NamedTuple):
    """The whole of it. `others` are ingresses and schedulers; each of `problems` is a sentence that says what to do."""

    queues: Sequence[QueueState]
    workers: Sequence[ProcessState]
    others: Sequence[ProcessState]
    stream: StreamState
    memory: MemoryState

    @property
    def problems(self) -> list[str]:
        """Why nobody takes requests in, or performs them."""
        problems = []
        if not any(process.leads for process in self.others):
            problems.append("no ingress takes in what is published: start `python -m ingress`")
        if not any(worker.alive and worker.role == "worker" for worker in self.workers):
            waiting = sum(queue.waiting + queue.delayed for queue in self.queues)
            problems.append(f"no worker is alive, {waiting} messages wait: start `python -m worker`")
        return problems

    def document(self) -> dict[str, Any]:
        """The same for JSON."""
        return {
            "queues": [queue._asdict() for queue in self.queues],
            "workers": [worker._asdict() for worker in self.workers],
            "ingresses": [other._asdict() for other in self.others if other.role == "ingress"],
            "schedulers": [other._asdict() for other in self.others if other.role == "scheduler"],
            "stream": self.stream._asdict(),
            "memory": self.memory._asdict(),
            "problems": self.problems,
        }


def look() -> Situation:
    """The situation, in a few round trips.

    Raises:
        redis.RedisError: when Redis does not answer.
    """
    place = settings().redis
    overview = Overview(redis_client(), place.key_prefix)
    return Situation(
        overview.queues(),
        overview.workers(),
        overview.ingresses_and_schedulers(place.channels.tasks_queue),
        overview.stream(place.channels.tasks_stream),
        overview.memory(),
    )
