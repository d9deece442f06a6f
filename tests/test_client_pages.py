"""The pages about the client and the command line: their programs run, and no command or exit code is left out."""

import re
from pathlib import Path

import pytest
import typer.main

import client.commands  # noqa: F401 - adds the commands
from client.application import app
from client.exit_codes import ExitCode
from tests.system import PROJECT, System, environment, run_to_its_end

CLIENT_PAGE = (PROJECT / "docs" / "client.md").read_text()
COMMAND_PAGE = (PROJECT / "docs" / "command-line.md").read_text()


@pytest.mark.parametrize("program", re.findall(r"```python\n(.*?)```", CLIENT_PAGE, re.DOTALL))
def test_a_program_of_the_page_prints_what_it_says(system: System, program: str) -> None:
    ended = run_to_its_end(system.project, ["-c", program], environment(system.redis_url))
    assert ended.stdout.splitlines() == re.findall(r"print\(.*\)  # (.*)", program), ended.stderr


@pytest.mark.parametrize("command", sorted(typer.main.get_command(app).commands))  # type: ignore[attr-defined]
def test_a_command_is_on_the_page(command: str) -> None:
    assert f"| `callboard {command}" in COMMAND_PAGE


@pytest.mark.parametrize("code", list(ExitCode))
def test_an_exit_code_is_on_the_page(code: ExitCode) -> None:
    assert f"\n| {code} | " in COMMAND_PAGE


@pytest.mark.parametrize("page", ["client.md", "command-line.md"])
def test_the_files_that_a_page_refers_to_are_there(page: str) -> None:
    folder = PROJECT / "docs"
    for target in re.findall(r"\]\(([^)#]+)", (folder / page).read_text()):
        assert (folder / Path(target)).exists(), target
