"""`callboard send`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from client.application import app
from client.callboard_client import CallboardClient
from client.catalogue import read_parameters
from client.command_options import (
    Assignments,
    TaskType,
    TimeoutS,
    UserId,
    refused_as_typed,
    user_id_again,
    user_id_or_own,
)
from client.exit_codes import ExitCode
from client.follow import follow
from client.output import AsJson, show_json
from client.request import TIMEOUT_S, RequestOptions
from contract import TaskOutcome
from logs import one_line


@app.command()
def send(  # noqa: PLR0913, PLR0917 - one for each option
    task: TaskType,
    parameters: Assignments = None,
    user_id: UserId = None,
    request_id: Annotated[str | None, typer.Option(help="Sent twice with one of these, it is performed once.")] = None,
    delay_ms: Annotated[int | None, typer.Option(min=0, help="Run no sooner than in so many ms.")] = None,
    max_age_ms: Annotated[int | None, typer.Option(min=0, help="End it when not started in so many ms.")] = None,
    timeout_s: TimeoutS = TIMEOUT_S,
    durable: Annotated[bool, typer.Option("--durable", help="By the stream, where it waits for an ingress.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show what happens to it, and its progress.")] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait; print its request id.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send a request and print its result; with --json the whole outcome, and with --watch each event on a line.

    A value is JSON where it can be read as JSON (3, true, '["a"]'), else a string; for a parameter that is a string it
    is always one. NAME:=VALUE is always JSON, and 'NAME="VALUE"' a string.
    """
    options = RequestOptions(user_id=user_id_or_own(user_id), durable=durable, events=watch)
    if request_id is not None:
        options["request_id"] = request_id
    if delay_ms is not None:
        options["delay_ms"] = delay_ms
    if max_age_ms is not None:
        options["max_age_ms"] = max_age_ms
    with CallboardClient.from_settings(timeout_s=timeout_s) as callboard:
        typed = read_parameters(callboard, task, parameters or [])
        with refused_as_typed():
            request = callboard.with_options(**options).send(task, **typed)
        if no_wait:
            _show_sent(request.user_id, request.request_id, as_json=as_json)
            return
        with _told_if_left(request.request_id + user_id_again(user_id)):
            if watch:
                follow(request.events(), as_json=as_json)
            show_ending(request.outcome(), as_json=as_json, on_one_line=watch)


def show_ending(outcome: TaskOutcome, *, as_json: bool, on_one_line: bool = False) -> None:
    """Prints the result; or the error, and ends the command with `ExitCode.FAILED`. As JSON it is the whole outcome."""
    if as_json:
        show_json(outcome, indent=None if on_one_line else 2)
    elif outcome.status == "completed":
        show_json(outcome.result)
    else:
        print(f"callboard: {outcome.error_code}: {one_line(outcome.error or '')}", file=sys.stderr)
    if outcome.status == "error":
        raise typer.Exit(ExitCode.FAILED)


def _show_sent(user_id: str | int, request_id: str, *, as_json: bool) -> None:
    if as_json:
        show_json({"user_id": user_id, "request_id": request_id})
    else:
        print(request_id)


@contextmanager
def _told_if_left(words: str) -> Iterator[None]:
    """Whoever stops waiting with Ctrl-C learns how to find the request, or to end it: it goes on by itself."""
    try:
        yield
    except KeyboardInterrupt:
        print(
            f"callboard: the request goes on; `callboard outcome {words}` shows what comes of it, "
            f"`callboard cancel {words}` asks for its end",
            file=sys.stderr,
        )
        raise
