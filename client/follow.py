"""Shows the events of one request as they come."""

from collections.abc import Iterable

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from client.output import show_json
from contract import EventKind, TaskEvent
from logs import one_line


def follow(events: Iterable[TaskEvent], *, as_json: bool) -> None:
    """Returns with the last event. On standard error: a line for each event, and a bar for progress where that is a
    terminal. As JSON on standard output, a line each."""
    if as_json:
        for event in events:
            show_json(event, indent=None)
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        for event in events:
            console.print(Text(line(event)), soft_wrap=True)
        return
    _draw(events, console)


def line(event: TaskEvent) -> str:
    """What an event says, on one line in which nothing steers a terminal."""
    words = [str(event.event)]
    if event.attempt and event.attempt > 1:
        words.append(f"(attempt {event.attempt})")
    if event.done is not None and event.total is not None:
        words.append(f"{event.done:,.15g} of {event.total:,.15g}")
    if event.next_run_at:
        words.append(f"next at {event.next_run_at}")
    # Of a request that was cancelled, the event and the code are one word.
    code = None if event.error_code == str(event.event) else event.error_code
    words += [text for text in (event.message, code, event.error) if text]
    if event.duration_ms is not None:
        words.append(f"after {event.duration_ms:.1f} ms")
    return one_line(" ".join(words))


def _draw(events: Iterable[TaskEvent], console: Console) -> None:
    # The description comes from the task: `markup` would let it style the line.
    description = TextColumn("{task.description}", markup=False)
    columns = (description, BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("waiting", total=None)
        for event in events:
            if event.event is EventKind.PROGRESS:
                progress.update(
                    bar, completed=event.done, total=event.total, description=one_line(event.message or "running")
                )
            else:
                console.print(Text(line(event)))
                progress.update(bar, description=event.event)
