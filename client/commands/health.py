"""`callboard health`: whether the processes on this machine do what they are there for."""

from enum import StrEnum
from typing import Annotated

import typer

from client.application import app
from client.installation import settings
from client.output import AsJson, show_json
from logs import one_line
from monitoring.health import joint
from monitoring.local import LocalPlace


class Role(StrEnum):
    """What can be asked for."""

    INGRESS = "ingress"
    WORKER = "worker"
    SCHEDULER = "scheduler"


@app.command()
def health(
    role: Annotated[Role, typer.Argument(metavar="PROCESS", help="Which processes.")],
    live: Annotated[
        bool, typer.Option("--live", help="Fail only where a restart would help: not while Redis is away.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the ingress, the worker or the scheduler of this machine (or container) whether it works.

    Exit code 0 when all of that kind do which run here, 1 when one does not or none runs; it says why.
    """
    place = LocalPlace(settings())
    reports = list(place.ask(role, "/healthz" if live else "/readyz"))
    found = joint(role, reports)
    if as_json:
        show_json(
            {"healthy": found.healthy, "reasons": found.reasons, "processes": [each._asdict() for each in reports]}
        )
    else:
        # A reason may quote Redis.
        print(one_line(f"{role}: {'; '.join(found.reasons) or f'healthy (processes asked: {len(reports)})'}"))
    raise typer.Exit(not found.healthy)
