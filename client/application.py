"""The command line that the commands add themselves to."""

from typing import Annotated

import typer

from version import VERSION

app = typer.Typer(
    name="callboard",
    help="Requests on a Redis channel, performed by Dramatiq actors, answered on a Redis channel.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _show_version(is_asked_for: bool) -> None:
    if is_asked_for:
        print(f"callboard {VERSION}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", help="Print which Callboard this is.", callback=_show_version, is_eager=True)
]


@app.callback()
def _of_several(version: Version = False) -> None:
    """Without this, typer makes a command that is alone the whole of the command line."""
