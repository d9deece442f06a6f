"""What the pages say of tasks is so: their files are put into a copy of the project, their requests are sent."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from client.redis_server import RedisServer
from tests.pages import Example, examples
from tests.system import System, copy_project, environment, run_to_its_end
from tests.wire import Wire

PAGES = [*examples("tasks.md"), *examples("moving-from-celery.md")]
TASKS = [example for example in PAGES if example.title.startswith("actors/")]
TESTS = [example for example in PAGES if example.title.startswith("tests/")]
PROGRAM = next(example for example in PAGES if example.title == "call.py")
MESSAGES = [example for example in PAGES if example.title in ("request", "outcome")]
DIALOGUES = [
    (json.loads(request.code), json.loads(answer.code))
    for request, answer in pairwise(MESSAGES)
    if request.title == "request"
]


@pytest.fixture(scope="module")
def project_of_the_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the files of the pages in it."""
    project = copy_project(tmp_path_factory.mktemp("pages"), {})
    for file in (*TASKS, *TESTS, PROGRAM):
        path = project / file.title
        path.parent.mkdir(exist_ok=True)
        path.write_text(file.code)
    return project


@pytest.fixture(scope="module")
def system_of_the_pages(project_of_the_pages: Path) -> Iterator[System]:
    """A Callboard with the tasks of the pages."""
    with RedisServer() as server, System(project_of_the_pages, server.url) as system:
        system.start("ingress")
        system.start("worker")
        yield system


def test_every_request_is_followed_by_its_outcome() -> None:
    assert [message.title for message in MESSAGES] == ["request", "outcome"] * len(DIALOGUES)


@pytest.mark.parametrize(("asked", "said"), DIALOGUES)
def test_an_outcome_is_the_one_that_the_page_shows(
    system_of_the_pages: System, asked: dict[str, Any], said: dict[str, Any]
) -> None:
    with Wire(system_of_the_pages.redis_url) as wire:
        wire.publish(asked)
        outcome = wire.outcome_of(asked["user_id"])
    assert {name: outcome.get(name) for name in said} == said


@pytest.mark.parametrize("file", TASKS, ids=lambda file: file.title)
def test_every_task_is_asked_for_something(file: Example) -> None:
    names = re.findall(r'call\("(\w+)"', PROGRAM.code) + [asked["task_type"] for asked, _ in DIALOGUES]
    assert any(f"def {name}(" in file.code for name in names)


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.title)
def test_a_test_passes(project_of_the_pages: Path, file: Example) -> None:
    run = run_to_its_end(project_of_the_pages, ["-m", "pytest", "-q", file.title], environment(None))
    assert run.returncode == 0, run.stdout


def test_the_program_prints_a_result(system_of_the_pages: System) -> None:
    variables = environment(system_of_the_pages.redis_url)
    run = run_to_its_end(system_of_the_pages.project, [PROGRAM.title], variables)
    assert run.stdout == "{'words': 6}\n", run.stderr


def test_what_the_pages_show_is_formatted(project_of_the_pages: Path) -> None:
    names = [file.title for file in (*TASKS, *TESTS, PROGRAM)]
    run = run_to_its_end(project_of_the_pages, ["-m", "ruff", "format", "--check", *names], environment(None))
    assert run.returncode == 0, run.stdout
