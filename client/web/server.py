"""Serves the page until it is stopped."""

import ipaddress
import secrets
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress

import uvicorn
from pydantic import SecretStr

from client.web.protocol import ImpatientProtocol
from client.web.site import site
from errors import CallboardError
from logs import configure_logging
from settings import Settings

#: How many bytes of chance are in a token that is made here.
TOKEN_BYTES = 32

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")

#: The most connections at once; a page has about seven.
MOST_CONNECTIONS = 200

#: How long a page that is still listening may hold up the end.
LAST_ANSWERS_S = 3


def serve(settings: Settings, host: str, port: int, names: Sequence[str]) -> None:
    """Prints the address of the page and serves it until Ctrl-C or SIGTERM.

    Parameters:
        port: 0 for any that is free.
        names: by which it may be asked for, beside `host` and those of this machine for itself.

    Raises:
        CallboardError: when it cannot listen there.
    """
    configure_logging("web", settings)
    # uvicorn stops in good order at either signal, and then raises it once more.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    token = settings.web.token or SecretStr(secrets.token_urlsafe(TOKEN_BYTES))
    with _listen(host, port) as listening, suppress(KeyboardInterrupt):
        own_name = f"[{host}]" if ":" in host else host
        address = f"http://{own_name}:{listening.getsockname()[1]}/"
        if settings.web.token is None:
            # Behind #, what a browser keeps to itself: it is in no request, and so in no log.
            print(f"Callboard's page: {address}#token={token.get_secret_value()}", flush=True)
        else:
            print(f"Callboard's page: {address} (it asks for the token of CALLBOARD_WEB_TOKEN)", flush=True)
        if not _is_loopback(host):
            print("Others can reach it, and read along: put a proxy with HTTPS before it, see docs/web.md", flush=True)
        uvicorn.Server(
            uvicorn.Config(
                site(settings, token, [*LOOPBACK_NAMES, own_name, *names]),
                http=ImpatientProtocol,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_graceful_shutdown=LAST_ANSWERS_S,
                lifespan="on",
                ws="none",
            )
        ).run([listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise CallboardError(
            f"cannot listen at {host}, port {port}: {error.strerror}; choose others with --host and --port"
        ) from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
