"""What `callboard watch` and `callboard send --watch` show: on a terminal a live table and a bar, elsewhere a line for
each event."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from client.board import CAPACITY, WINDOW_S, Board
from client.follow import line
from contract import EventKind, TaskEvent
from tests.system import System, environment
from tests.waiting import wait_until
from tests.wire import Wire, new_user


def test_watch_writes_a_line_for_each_event_where_it_has_no_terminal(system: System, tmp_path: Path) -> None:
    user_id = new_user()
    with watching(system, tmp_path) as output, Wire(system.redis_url) as wire:
        wire.ask("reverse_string", {"text": "abc"}, user_id=user_id, request_id="r")
        wait_until(lambda: f"reverse_string {user_id!r} r completed" in output.read_text(), "its end is shown")


def test_watch_writes_json_lines(system: System, tmp_path: Path) -> None:
    user_id = new_user()
    with watching(system, tmp_path, "--json") as output, Wire(system.redis_url) as wire:
        wire.ask("reverse_string", {"text": "abc"}, user_id=user_id)
        wait_until(lambda: '"completed"' in output.read_text(), "its end is shown")
    events = [json.loads(line) for line in output.read_text().splitlines()]
    assert [event["event"] for event in events if event["user_id"] == user_id] == ["accepted", "started", "completed"]


def test_watch_draws_a_table_on_a_terminal(system: System, tmp_path: Path) -> None:
    user_id = new_user()
    with on_a_terminal(system, "watch") as screen, Wire(system.redis_url) as wire:
        wait_until(lambda: b"on their way" in screen, "the table is drawn")
        wire.ask("always_fails", user_id=user_id, request_id="a-request")
        wait_until(lambda: b"this never works" in screen, "its end is shown")
    assert user_id.encode() in screen
    assert b"a-request" in screen


def test_nothing_in_an_event_steers_the_terminal(system: System) -> None:
    with on_a_terminal(system, "watch") as screen, Wire(system.redis_url) as wire:
        wait_until(lambda: b"on their way" in screen, "the table is drawn")
        wire.ask("reverse_string", {"text": "abc"}, user_id="[bold]\x1b]0;title\x07")
        wait_until(lambda: b"[bold]\\x1b]0" in screen, "the user is shown as escaped")
    assert b"\x1b]0;" not in screen


def test_nothing_in_an_event_steers_a_terminal_that_the_lines_come_to(system: System, tmp_path: Path) -> None:
    hostile = event(
        EventKind.STARTED, "t\x1b[2J", user_id="\x9b", request_id="hostile\x07", timestamp="\x1b]0;title\x07"
    )
    with watching(system, tmp_path) as output, Wire(system.redis_url) as wire:
        wait_until(lambda: publishes(wire, hostile) and "hostile" in output.read_text(), "it is shown")
    assert [line for line in output.read_text().splitlines() if not line.isprintable()] == []


def test_an_event_with_numbers_that_json_has_not_is_none(system: System, tmp_path: Path) -> None:
    progress = event(EventKind.PROGRESS, done=1, total=2, request_id="r").model_dump_json(exclude_none=True)
    with watching(system, tmp_path, "--json") as output, Wire(system.redis_url) as wire:
        for wrong in ("NaN", "1e999"):
            wire.client.publish("events", progress.replace('"done":1.0', f'"done":{wrong}'))
        wait_until(
            lambda: wire.client.publish("events", progress) and '"progress"' in output.read_text(), "the right one"
        )
    assert {json.loads(line)["done"] for line in output.read_text().splitlines() if "progress" in line} == {1.0}


def test_a_line_says_once_that_a_request_was_cancelled() -> None:
    cancelled = event(EventKind.CANCELLED, error_code="cancelled", error="Cancelled by the user")
    assert line(cancelled) == "cancelled Cancelled by the user"
    failed = event(EventKind.ERROR, error_code="failed", error="it broke")
    assert line(failed) == "error failed it broke"


def test_a_share_is_one_whatever_a_task_counts() -> None:
    board = Board()
    board.take(event(EventKind.PROGRESS, done=1e308, total=1e-300))
    (row,) = board.rows()
    assert row.share == 1.0


def test_send_draws_a_bar_for_the_progress_of_a_task(system: System, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    words = ("send", "waits_for", f"file={go_on}", "--watch", "--user-id", new_user(), "--request-id", "r")
    with on_a_terminal(system, *words, typed=None) as screen, Wire(system.redis_url) as wire:
        half = event(EventKind.PROGRESS, done=1, total=2, message="half-way", user_id=words[5], request_id="r")
        wait_until(lambda: publishes(wire, half) and b"half-way" in screen, "the bar is drawn")
        go_on.touch()
    assert b" 50%" in screen
    assert b'"text": "there it is"' in screen


def publishes(wire: Wire, event: TaskEvent) -> bool:
    """Once more, until somebody hears it."""
    return bool(wire.client.publish("events", event.model_dump_json(exclude_none=True)))


def event(kind: EventKind, task_id: str = "t", **fields: object) -> TaskEvent:
    sender = {"user_id": "ada", "task_type": "reverse_string", "timestamp": "2026-11-24T10:00:00+00:00"}
    return TaskEvent.model_validate({"event": kind, "task_id": task_id} | sender | fields)


def test_the_board_tells_how_long_a_request_has_waited_and_run() -> None:
    now_s = 100.0
    board = Board(lambda: now_s)
    board.take(event(EventKind.ACCEPTED))
    now_s = 103.0
    board.take(event(EventKind.STARTED, attempt=1))
    board.take(event(EventKind.PROGRESS, done=1, total=4))
    (row,) = board.rows()
    assert (row.waited_s(104.0), row.ran_s(104.0), row.share, row.state) == (3.0, 1.0, 0.25, EventKind.STARTED)


def test_of_a_short_task_whose_start_is_heard_with_its_end_the_board_knows_how_long_it_ran() -> None:
    now_s = 100.0
    board = Board(lambda: now_s)
    board.take(event(EventKind.ACCEPTED))
    now_s = 103.0
    board.take(event(EventKind.STARTED, attempt=1))
    board.take(event(EventKind.COMPLETED, attempt=1, duration_ms=1_000.0))
    (row,) = board.rows()
    assert (row.waited_s(104.0), row.ran_s(104.0)) == (2.0, 1.0)


def test_the_board_counts_what_ended_lately() -> None:
    now_s = 100.0
    board = Board(lambda: now_s)
    for number in range(20):
        board.take(event(EventKind.ACCEPTED, f"t{number}"))
    now_s = 102.0
    for number in range(20):
        board.take(event(EventKind.COMPLETED, f"t{number}"))
    assert (board.rate(), board.latencies_s()) == (20 / WINDOW_S, [2.0] * 20)
    now_s = 102.0 + WINDOW_S + 1
    assert (board.rate(), board.latencies_s()) == (0, [])


def test_a_dead_letter_that_is_tried_again_is_on_its_way_again() -> None:
    now_s = 100.0
    board = Board(lambda: now_s)
    board.take(event(EventKind.ACCEPTED))
    board.take(event(EventKind.STARTED, attempt=1))
    board.take(event(EventKind.ERROR, attempt=1, error="it broke"))
    now_s = 200.0
    board.take(event(EventKind.STARTED, attempt=1))
    (row,) = board.rows()
    assert (row.ended_s, row.error, row.ran_s(205.0)) == (None, None, 5.0)


def test_the_board_forgets_those_first_that_have_ended() -> None:
    board = Board()
    for number in range(CAPACITY + 10):
        board.take(event(EventKind.ACCEPTED, f"t{number}"))
        if number >= CAPACITY - 10:
            board.take(event(EventKind.COMPLETED, f"t{number}"))
    rows = list(board.rows())
    assert len(rows) == CAPACITY
    assert sum(row.ended_s is None for row in rows) == CAPACITY - 10


def test_refused_requests_are_one_row_each() -> None:
    board = Board()
    for _ in range(3):
        board.take(event(EventKind.ERROR, "error", error="Task type not found: x"))
    assert len(list(board.rows())) == 3


@contextmanager
def watching(system: System, folder: Path, *words: str) -> Iterator[Path]:
    """`callboard watch` into a file, until Ctrl-C, which is how one ends it."""
    output, log = folder / "output", folder / "log"
    with output.open("wb") as out, log.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "client.command", "watch", *words],
            cwd=system.project,
            env=environment(system.redis_url),
            stdout=out,
            stderr=err,
        )
    try:
        wait_until(lambda: "Listening to channel 'events'" in log.read_text(), "it listens")
        yield output
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=15) == 0, log.read_text()


@contextmanager
def on_a_terminal(system: System, *words: str, typed: signal.Signals | None = signal.SIGINT) -> Iterator[bytearray]:
    """What a command draws on a terminal, until Ctrl-C is typed there or it ends by itself."""
    terminal, inside = pty.openpty()
    screen = bytearray()
    variables = {"TERM": "xterm", "COLUMNS": "200", "LINES": "40"}
    process = subprocess.Popen(
        [sys.executable, "-m", "client.command", *words],
        cwd=system.project,
        env=environment(system.redis_url, **variables),
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
    )
    os.close(inside)
    reader = threading.Thread(target=_read, args=[terminal, screen])
    reader.start()
    try:
        yield screen
    finally:
        if typed:
            process.send_signal(typed)
        code = process.wait(timeout=15)
        reader.join()
        os.close(terminal)
    assert code == 0, screen


def _read(terminal: int, screen: bytearray) -> None:
    with suppress(OSError):  # Linux says so when the other end is closed
        while data := os.read(terminal, 65536):
            screen += data
