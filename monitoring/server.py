"""Answers over HTTP, in threads of its own: on the process's local socket, and on a port if one is configured."""

import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any, NamedTuple

from loguru import logger
from pydantic_core import to_json

from errors import CallboardError
from monitoring.health import Report
from monitoring.local import LocalPlace

#: How long whoever asks may take over it.
REQUEST_S = 5.0

#: The most who may ask at once; whoever comes then is hung up on. Each has a thread and a file of this process, which
#: has other uses for them.
MOST_ASKING = 64


class Page(NamedTuple):
    """An answer."""

    status: HTTPStatus
    content_type: str
    body: bytes


#: What is answered under each path.
Pages = Mapping[str, Callable[[], Page]]


def report_page(report: Report) -> Page:
    """A report as JSON, with status 200 or 503."""
    status = HTTPStatus.OK if report.healthy else HTTPStatus.SERVICE_UNAVAILABLE
    return Page(status, "application/json", to_json(report._asdict()))


def serve_locally(place: LocalPlace, role: str, pages: Pages) -> "Server | None":
    """Answers on the socket of this process; None where that is not to be had, which the log says."""
    try:
        path = place.prepare(role)
        server = Server(socket.AF_UNIX, str(path), pages)
        path.chmod(0o600)
    except (OSError, AttributeError, CallboardError) as error:  # AttributeError: Windows has no such sockets
        logger.warning("`callboard health {}` cannot ask this process: {}", role, error)
        return None
    return server


def serve_port(host: str, port: int, key: str, pages: Pages) -> "Server":
    """Answers on a TCP port.

    Raises:
        CallboardError: when it is not to be had; names the setting.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        server = Server(family, (host, port), pages)
    except OSError as error:
        raise CallboardError(
            f"{key} is {port}, and {host} port {port} cannot be listened on: {error.strerror}; give each process on "
            "this machine a port of its own, or 0 for none"
        ) from None
    logger.info("Health and metrics at http://{}:{}", host, port)
    return server


class Server(ThreadingTCPServer):
    """Answers from its making until it is closed."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, family: int, address: Any, pages: Pages) -> None:
        self.address_family = family
        self.pages = pages
        #: Since when each connection is there.
        self._asking: dict[socket.socket, float] = {}
        super().__init__(address, _Handler)
        threading.Thread(target=self.serve_forever, name="monitoring", daemon=True).start()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Somebody is there, who may not have asked yet."""
        if len(self._asking) >= MOST_ASKING:
            self.shutdown_request(request)
            return
        self._asking[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Whoever it was has an answer, or has gone. Called in the thread that was theirs."""
        self._asking.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Called at least twice a second: stops to listen to those who take too long, also where one more byte comes
        each time that the handler would have given up. They may still be answered."""
        for request, since_s in list(self._asking.items()):
            if time.monotonic() - since_s > REQUEST_S:
                with suppress(OSError):  # gone meanwhile
                    request.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        """Removes its socket from the folder, and answers no more soon after."""
        if self.address_family == getattr(socket, "AF_UNIX", None):
            Path(str(self.server_address)).unlink(missing_ok=True)
        # Nobody waits for that: its thread looks twice a second whether it should end, and a worker that stops has
        # better use for the time.
        threading.Thread(target=self._end, daemon=True).start()

    def _end(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked has gone before the answer, or asks no HTTP."""
        logger.opt(exception=True).debug("A question about this process was not answered")


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version = "callboard"
    sys_version = ""
    timeout = REQUEST_S

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path.partition("?")[0])
        answer = page() if page else Page(HTTPStatus.NOT_FOUND, "text/plain", self._known())
        with suppress(BrokenPipeError):
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

    def _known(self) -> bytes:
        return f"Here are {', '.join(self.server.pages)}\n".encode()

    def log_message(self, *_: object) -> None:
        """Nothing: a line for each question would drown the others."""
