"""docs/tasks.md: the tasks on it are declared, their requests are sent, and the outcomes are what the page says."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from client.redis_server import RedisServer
from tests.pages import Example, examples
from tests.system import System, copy_project, environment, run_to_its_end
from tests.wire import Wire

PAGE = examples("tasks.md")
FILES = [example for example in PAGE if example.language == "python"]
DIALOGUES = [
    pytest.param(json.loads(request.code), json.loads(answer.code), id=f"{number}")
    for number, (request, answer) in enumerate(pairwise(e for e in PAGE if e.language == "json"))
    if request.title == "request"
]


@pytest.fixture(scope="module")
def project_of_the_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the files of the page in it."""
    project = copy_project(tmp_path_factory.mktemp("page"), {})
    for file in FILES:
        path = project / file.title
        path.parent.mkdir(exist_ok=True)
        path.write_text(file.code)
    return project


@pytest.fixture(scope="module")
def wire_of_the_page(project_of_the_page: Path) -> Iterator[Wire]:
    """A client of a Callboard with the tasks of the page."""
    with RedisServer() as server, System(project_of_the_page, server.url) as system:
        system.start("ingress")
        system.start("worker")
        with Wire(server.url) as wire:
            yield wire


def test_every_request_on_the_page_is_followed_by_its_outcome() -> None:
    titles = [example.title for example in PAGE if example.language == "json"]
    assert titles == ["request", "outcome"] * (len(titles) // 2)


@pytest.mark.parametrize(("request_", "expected"), DIALOGUES)
def test_the_outcome_of_a_request_is_the_one_on_the_page(
    wire_of_the_page: Wire, request_: dict[str, Any], expected: dict[str, Any]
) -> None:
    wire_of_the_page.publish(request_)
    outcome = wire_of_the_page.outcome_of(request_["user_id"])
    assert {name: outcome.get(name) for name in expected} == expected


@pytest.mark.parametrize("file", [file for file in FILES if file.title.startswith("actors/")], ids=lambda f: f.title)
def test_every_task_on_the_page_is_asked_for_something(file: Example) -> None:
    asked = {dialogue.values[0]["task_type"] for dialogue in DIALOGUES}  # type: ignore[index]
    assert any(f"def {task_type}(" in file.code for task_type in asked)


@pytest.mark.parametrize("file", [file for file in FILES if file.title.startswith("tests/")], ids=lambda f: f.title)
def test_a_test_on_the_page_passes(project_of_the_page: Path, file: Example) -> None:
    run = run_to_its_end(project_of_the_page, ["-m", "pytest", "-q", file.title], environment(None))
    assert run.returncode == 0, run.stdout


def test_the_files_on_the_page_are_clean(project_of_the_page: Path) -> None:
    names = [file.title for file in FILES]
    run = run_to_its_end(project_of_the_page, ["-m", "ruff", "check", *names], environment(None))
    assert run.returncode == 0, run.stdout
    run = run_to_its_end(project_of_the_page, ["-m", "ruff", "format", "--check", *names], environment(None))
    assert run.returncode == 0, run.stdout
