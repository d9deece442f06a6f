"""`callboard web`."""

from typing import Annotated

import typer

from client.application import app
from client.errors import UsageError
from client.installation import settings
from errors import CallboardError

try:
    from client.web.server import serve
except ModuleNotFoundError as missing:  # without the extra "web"
    if missing.name not in {"sse_starlette", "starlette", "uvicorn"}:
        raise
    IS_INSTALLED = False
else:
    IS_INSTALLED = True

#: The port of the page where no other one is chosen.
PORT = 8710


@app.command()
def web(
    host: Annotated[str, typer.Option(help="The address to listen at; by default only this machine reaches it.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = PORT,
    names: Annotated[
        list[str] | None,
        typer.Option("--name", help="A name that it is also reached by, such as that of a proxy. May be repeated."),
    ] = None,
) -> None:
    """Serve a page to watch requests, try tasks and take care of dead letters, until Ctrl-C.

    It prints the link to open; the token in it is new each time, unless CALLBOARD_WEB_TOKEN sets one.
    """
    if not IS_INSTALLED:
        raise CallboardError("the page needs more packages: install Callboard with its extra 'web'")
    for name in names or []:
        if "*" in name or "/" in name:
            raise UsageError(f"--name is {name!r} and should be the name of a host, such as callboard.example.org")
        if ":" in name and not (name.startswith("[") and name.endswith("]")):
            # It is compared with what a browser asks for, without its port: this one would never be found.
            raise UsageError(
                f"--name is {name!r} and should have no port, which may be any; an IPv6 address stands in brackets"
            )
    serve(settings(), host, port, names or [])
