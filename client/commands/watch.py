"""`callboard watch`."""

import sys
from collections.abc import Iterator
from contextlib import suppress

from rich.console import Console
from rich.live import Live

from client.application import app
from client.board import Board
from client.event_stream import event_stream
from client.follow import line
from client.installation import settings
from client.output import AsJson, show_json
from client.screen import draw
from contract import TaskEvent
from logs import one_line

#: How often the table is drawn, at most and at least.
FRAME_S = 0.25


@app.command()
def watch(as_json: AsJson = False) -> None:
    """Show the requests of all users as they wait, run and end, until Ctrl-C.

    A live table; where standard output is no terminal, or with --json, a line for each event.
    """
    redis = settings().redis
    with suppress(KeyboardInterrupt), event_stream(redis, FRAME_S) as events:
        print(f"Listening to channel {redis.channels.events!r} at {redis.location}.", file=sys.stderr, flush=True)
        if as_json or not sys.stdout.isatty():
            _print(events, as_json=as_json)
        else:
            _draw(events)


def _print(events: Iterator[TaskEvent | None], *, as_json: bool) -> None:
    for event in events:
        if event is None:
            continue
        if as_json:
            show_json(event, indent=None)
        else:
            who = f"{event.task_type or '-'} {event.user_id!r} {event.request_id or event.task_id}"
            print(one_line(f"{event.timestamp} {who}"), line(event), flush=True)


def _draw(events: Iterator[TaskEvent | None]) -> None:
    board, console = Board(), Console()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        drawn_s = 0.0
        for event in events:
            if event is not None:
                board.take(event)
            if event is None or console.get_time() - drawn_s > FRAME_S:
                live.update(draw(board, console.height), refresh=True)
                drawn_s = console.get_time()
