"""A Callboard whose processes are asked for their health and their metrics."""

import json
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

from tests.command_line import callboard
from tests.ports import free_ports
from tests.system import START_S, System, write_config
from tests.waiting import wait_until

ROLES = ["ingress", "worker", "scheduler"]


class Watched(System):
    """A system with its own folder for sockets, a port for each role, and little patience."""

    def __init__(self, project: Path, redis_url: str, folder: Path) -> None:
        self.ports = dict(zip(ROLES, free_ports(len(ROLES)), strict=True))
        monitoring: dict[str, Any] = {f"{role}_port": port for role, port in self.ports.items()}
        monitoring |= {"stalled_after_s": 3, "runtime_folder": str(folder / "run")}
        self.config = write_config(folder, monitoring=monitoring)
        super().__init__(project, redis_url, CALLBOARD_CONFIG=str(self.config), dramatiq_restart_delay="50")

    def configure(self, **sections: Any) -> None:
        """Changes the configuration of what is started from now on: of an object the keys that are given, else all."""
        config = json.loads(self.config.read_text())
        for name, section in sections.items():
            config[name] = config.get(name, {}) | section if isinstance(section, dict) else section
        self.config.write_text(json.dumps(config))

    def be_patient(self) -> None:
        """What is started from now on may stand still for as long as a test may take, and is called healthy."""
        self.configure(monitoring={"stalled_after_s": 60})

    def health(self, role: str, *words: str) -> tuple[int, str]:
        """Exit code and answer of the command."""
        ended = callboard(self, "health", role, *words, CALLBOARD_CONFIG=str(self.config))
        return ended.returncode, ended.stdout + ended.stderr

    def launch_all(self, roles: Sequence[str] = ROLES) -> None:
        """Starts them at the same time, and returns when all are ready."""
        for role in roles:
            self.launch(role)
        for role in roles:
            self.wait_until_ready(role)

    def wait_until_ready(self, role: str) -> None:
        """Returns when a process that was launched says on its port that it is ready."""

        def is_ready() -> bool:
            with suppress(URLError):  # its port is not there yet
                return self.page(role, "/readyz")[0] == HTTPStatus.OK
            return False

        wait_until(is_ready, f"{role} is ready", START_S)

    def reasons(self, role: str) -> list[str]:
        """Why a process says that it is not ready."""
        reasons: list[str] = self.page(role, "/readyz")[1]["reasons"]
        return reasons

    def page(self, role: str, path: str) -> tuple[int, Any]:
        """Status and content of a page of a port."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[role]}{path}", timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except HTTPError as error:
            return error.code, json.loads(error.read())
