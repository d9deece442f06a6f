"""`callboard` as a person or a program runs it, beside a system that works."""

import json
from subprocess import CompletedProcess
from typing import Any

from tests.system import System, environment, run_to_its_end


def callboard(system: System, *words: str, **variables: str) -> "CompletedProcess[str]":
    """What became of the command, with the rights of the operator."""
    return run_to_its_end(system.project, ["-m", "client.command", *words], environment(system.redis_url, **variables))


def callboard_json(system: System, *words: str) -> Any:
    """What a command that succeeds writes with --json."""
    ended = callboard(system, *words, "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)
