"""`callboard run`."""

import typer

from client import run as local
from client.application import app


@app.command()
def run() -> None:
    """Start Redis (unless one answers), workers, ingress and scheduler together; Ctrl-C stops them."""
    raise typer.Exit(local.main())
