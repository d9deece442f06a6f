"""The table of `callboard watch`."""

import time

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from client.board import WINDOW_S, Board, Row
from client.percentile import percentile
from client.waiter import LAST
from contract import EventKind
from logs import one_line

#: What else is on the screen: the head of the table, and the line below it.
OTHER_LINES = 5

STYLES = {EventKind.COMPLETED: "green", EventKind.ERROR: "red", EventKind.CANCELLED: "yellow"}


def draw(board: Board, height: int) -> RenderableType:
    """What is known now, on so many lines."""
    now_s = time.monotonic()
    table = Table(expand=True, box=None, header_style="bold")
    for name, width in (("task", 24), ("user", 16), ("request", 20), ("state", 16)):
        table.add_column(name, no_wrap=True, max_width=width)
    for name in ("waited", "ran", "attempt"):
        table.add_column(name, no_wrap=True, justify="right", min_width=7)
    table.add_column("error", no_wrap=True, ratio=1)
    for row, _ in zip(board.rows(), range(max(1, height - OTHER_LINES)), strict=False):
        style = STYLES.get(row.state, "" if row.started_s else "dim")
        table.add_row(*(Text(one_line(text)) for text in _cells(row, now_s)), style=style)
    return Group(table, Text(), Text(summary(board)))


def summary(board: Board) -> str:
    """Rate and latency of the last seconds, on a line."""
    active = sum(row.state not in LAST for row in board.rows())
    latencies_s = board.latencies_s()
    text = f"{active} on their way · {board.rate():.1f} ended a second in the last {WINDOW_S:.0f} s"
    if latencies_s:
        middle, most = percentile(latencies_s, 50), latencies_s[-1]
        text += f" · half of them within {_seconds(middle)}, the slowest in {_seconds(most)}"
    return text


def _cells(row: Row, now_s: float) -> tuple[str, ...]:
    state = str(row.state)
    if row.share is not None and row.state not in LAST:
        state += f" {row.share:.0%}"
    return (
        row.last.task_type or "",
        "" if row.last.user_id is None else str(row.last.user_id),
        row.last.request_id or row.last.task_id,
        state,
        _seconds(row.waited_s(now_s)),
        _seconds(row.ran_s(now_s)),
        str(row.attempt or ""),
        row.error or "",
    )


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
