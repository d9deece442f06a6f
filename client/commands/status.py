"""`callboard status`: what is going on now."""

from typing import Any

import typer

from client.application import app
from client.exit_codes import ExitCode
from client.output import AsJson, moment, show_json, show_table
from client.situation import look
from transport.overview import ProcessState, QueueState


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show queues, workers, ingresses, schedulers, the stream and Redis's memory.

    Exit code 3 when nobody takes requests in or performs them; it says which.
    """
    now = look()
    if as_json:
        show_json(now.document())
    else:
        show_table(QueueState._fields, now.queues, title="Queues")
        columns = ["role", "host", "pid", "since", "shown_s", "state"]
        show_table(columns, [_row(process) for process in [*now.others, *now.workers]], title="Processes")
        limit = f" of {now.memory.limit_bytes:,}" if now.memory.limit_bytes else ""
        print(f"Stream: {now.stream.lag} unread, {now.stream.pending} read and not taken in")
        print(f"Redis's memory: {now.memory.used_bytes:,}{limit} bytes")
        for problem in now.problems:
            print(f"Problem: {problem}")
    if now.problems:
        raise typer.Exit(ExitCode.NOBODY_LISTENS)


def _row(process: ProcessState) -> list[Any]:
    state = "leads" if process.leads else "alive" if process.alive else "lost"
    since = process.since_ms and moment(process.since_ms)
    return [process.role, process.host or process.id, process.pid, since, f"{process.shown_s:.1f}", state]
