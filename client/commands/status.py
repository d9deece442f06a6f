"""`callboard status`: what is going on now."""

from collections.abc import Sequence
from typing import Any

import typer

import actors  # noqa: F401 - declares the queues
from broker import broker, settings
from client.application import app
from client.output import AsJson, moment, show_json, show_table
from ingress.stream import GROUP
from transport.overview import Overview, ProcessState, QueueState

#: Everything could be looked at, and something is wrong.
PROBLEM = 3


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show queues, workers, ingresses, schedulers, the stream and Redis's memory.

    Exit code 3 when nobody takes requests in or performs them; it says which.
    """
    channels = settings.redis.channels
    overview = Overview(broker.client, settings.redis.key_prefix, broker.namespace, broker.get_declared_queues())
    queues, workers = overview.queues(), overview.workers()
    others = overview.others(channels.tasks_queue)
    stream, memory = overview.stream(channels.tasks_stream, GROUP), overview.memory()
    problems = _problems(queues, workers, others)
    if as_json:
        show_json(
            {
                "queues": [queue._asdict() for queue in queues],
                "workers": [worker._asdict() for worker in workers],
                "ingresses": [other._asdict() for other in others if other.role == "ingress"],
                "schedulers": [other._asdict() for other in others if other.role == "scheduler"],
                "stream": stream._asdict(),
                "memory": memory._asdict(),
                "problems": problems,
            }
        )
    else:
        show_table(QueueState._fields, queues, title="Queues")
        columns = ["role", "host", "pid", "since", "shown_s", "state"]
        show_table(columns, [_row(process) for process in [*others, *workers]], title="Processes")
        limit = f" of {memory.limit_bytes:,}" if memory.limit_bytes else ""
        print(f"Stream: {stream.lag} unread, {stream.pending} read and not taken in")
        print(f"Redis's memory: {memory.used_bytes:,}{limit} bytes")
        for problem in problems:
            print(f"Problem: {problem}")
    if problems:
        raise typer.Exit(PROBLEM)


def _row(process: ProcessState) -> list[Any]:
    state = "leads" if process.leads else "alive" if process.alive else "lost"
    since = process.since_ms and moment(process.since_ms)
    return [process.role, process.host or process.id, process.pid, since, f"{process.shown_s:.1f}", state]


def _problems(
    queues: Sequence[QueueState], workers: Sequence[ProcessState], others: Sequence[ProcessState]
) -> list[str]:
    problems = []
    if not any(process.leads for process in others):
        problems.append("no ingress takes in what is published: start `python -m ingress`")
    if not any(worker.alive for worker in workers):
        waiting = sum(queue.waiting + queue.delayed for queue in queues)
        problems.append(f"no worker is alive, {waiting} messages wait: start `python -m worker`")
    return problems
