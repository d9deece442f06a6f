"""The server of the page as its page talks to it, and what it hears of tasks."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpx

from contract import EventKind, TaskEvent, timestamp
from tests.system import System
from tests.waiting import DEADLINE_S

#: Name and content of a server-sent event.
Heard = tuple[str, Any]


class WebPage:
    """A client of the `web` process of a system that has the token of the link, or another one;
    use it as a context."""

    def __init__(self, system: System, *, token: str | None = None) -> None:
        self.link = link_of(system)
        address, _, own_token = self.link.partition("#token=")
        self.token = own_token if token is None else token
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        self.http = httpx.Client(base_url=address, headers=headers, timeout=DEADLINE_S, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str, **headers: str) -> httpx.Response:
        """The answer to a GET."""
        return self.http.get(path, headers=_header_names(headers))

    def post(self, path: str, content: object, **headers: str) -> httpx.Response:
        """The answer to a POST of JSON."""
        return self.http.post(path, json=content, headers=_header_names(headers))

    def connection(self) -> socket.socket:
        """A connection on which nothing is asked yet."""
        url = self.http.base_url
        return socket.create_connection((url.host, url.port), timeout=DEADLINE_S)

    def unread(self, path: str) -> socket.socket:
        """A GET on a connection of its own, whose answer is not waited for."""
        connection = self.connection()
        host = self.http.base_url.host
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {self.token}\r\n\r\n".encode()
        )
        return connection

    @contextmanager
    def stream(self, path: str, content: object = None) -> Iterator[Iterator[Heard]]:
        """The server-sent events that are the answer to a GET, or to a POST of `content`."""
        with self.http.stream("GET" if content is None else "POST", path, json=content) as response:
            assert response.status_code == 200, response.read()
            yield _events(response.iter_lines())

    def frame_where(self, condition: Any) -> dict[str, Any]:
        """The first frame of the live view of which it is true."""
        with self.stream("/api/live") as events:
            return next(frame for name, frame in events if name == "frame" and condition(frame))


def link_of(system: System) -> str:
    """What the process that was started last has printed for people to open."""
    links: list[str] = re.findall(r"Callboard's page: (\S+)", system.log("web"))
    return links[-1]


def event(kind: EventKind, task_id: str, **fields: Any) -> str:
    """An event as a worker publishes it."""
    details: dict[str, Any] = {"user_id": "ada", "task_type": "long_work", "timestamp": timestamp()} | fields
    return TaskEvent(event=kind, task_id=task_id, **details).model_dump_json()


def _events(lines: Iterator[str]) -> Iterator[Heard]:
    name, data = "", ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            data += value
        elif not line and data:
            yield name, json.loads(data)
            name, data = "", ""


def _header_names(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
