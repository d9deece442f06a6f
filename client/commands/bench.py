"""`callboard bench`."""

import asyncio
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from client.application import app
from client.async_client import AsyncCallboardClient
from client.callboard_client import CallboardClient
from client.catalogue import read_parameters
from client.command_options import Assignments, TaskType, TimeoutS
from client.exit_codes import ExitCode
from client.load import Load, Measured, measure
from client.output import AsJson, show_fields, show_json
from client.request import TIMEOUT_S

#: Whose requests they are.
USER_ID = "bench"

EXAMPLE = ("reverse_string", ["text=hello"])


@app.command()
def bench(
    task: TaskType = EXAMPLE[0],
    parameters: Assignments = None,
    count: Annotated[int, typer.Option("--requests", "-n", min=1, max=1_000_000, help="Send so many.")] = 1_000,
    outstanding: Annotated[int, typer.Option("--outstanding", "-m", min=1, max=10_000, help="At a time.")] = 100,
    timeout_s: TimeoutS = TIMEOUT_S,
    as_json: AsJson = False,
) -> None:
    """Measure the running system: the rate, and how long a request takes from sending it to hearing its outcome.

    A quick look, by a client in Python that takes its share of the CPU; `make bench` of the project measures properly.
    """
    words = EXAMPLE[1] if parameters is None and task == EXAMPLE[0] else parameters or []
    with CallboardClient.from_settings(user_id=USER_ID) as callboard:
        typed = read_parameters(callboard, task, words)
    load = Load(task, typed, count, outstanding, timeout_s)
    measured = asyncio.run(_measure(load))
    if as_json:
        show_json(measured)
    else:
        show_fields(_fields(measured))
    if measured.errors:
        print(f"callboard: {sum(measured.errors.values())} of {count} requests have no result", file=sys.stderr)
        raise typer.Exit(ExitCode.FAILED)


async def _measure(load: Load) -> Measured:
    # Where standard error is no terminal, nothing is drawn.
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        bar = progress.add_task("requests", total=load.count)
        async with AsyncCallboardClient.from_settings(user_id=USER_ID, timeout_s=load.timeout_s) as callboard:
            return await measure(callboard, load, lambda: progress.advance(bar))


def _fields(measured: Measured) -> dict[str, object]:
    return {
        "requests": f"{measured.requests}, up to {measured.outstanding} at a time, in {measured.seconds:.2f} s",
        "rate": f"{measured.per_s:,.0f} a second",
        "p50": f"{measured.p50_ms:.1f} ms",
        "p95": f"{measured.p95_ms:.1f} ms",
        "p99": f"{measured.p99_ms:.1f} ms",
        "longest": f"{measured.max_ms:.1f} ms",
        "errors": ", ".join(f"{count} {code}" for code, count in measured.errors.items()) or None,
    }
