"""`callboard contract`."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from client.application import app
from errors import CallboardError

OUTPUT_HELP = "Write it to this file, once all of it is there, and not to the terminal."


@app.command()
def contract(
    json_schema: Annotated[bool, typer.Option("--json-schema", help="Plain JSON schemas instead.")] = False,
    output: Annotated[Path | None, typer.Option(help=OUTPUT_HELP, dir_okay=False)] = None,
) -> None:
    """Print the contract as an AsyncAPI 3 document: channels, messages and the schemas of all tasks, in JSON."""
    kind = "json-schema" if json_schema else "asyncapi"
    # A process of its own: declaring the tasks takes a configuration, which the other commands do without.
    command = [sys.executable, "-m", "client.contract_documents", kind]
    made = subprocess.run(command, stdout=subprocess.PIPE, check=False)  # noqa: S603 - words of ours
    if made.returncode:
        raise typer.Exit(made.returncode)
    if output:
        try:
            output.write_bytes(made.stdout)
        except OSError as error:
            raise CallboardError(f"--output is {str(output)!r}: {error.strerror}") from None
    else:
        sys.stdout.buffer.write(made.stdout)
