"""The command line that the commands add themselves to."""

import typer

app = typer.Typer(
    name="callboard",
    help="Requests on a Redis channel, performed by Dramatiq actors, answered on a Redis channel.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _of_several() -> None:
    """Without this, typer makes a command that is alone the whole of the command line."""
