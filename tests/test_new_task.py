"""A new task is one new file in `actors/`, and nothing else anywhere."""

import sys
from pathlib import Path

import pytest

from client.redis_server import RedisServer
from tests.system import COMMANDS, System, copy_project, environment, run_to_its_end
from tests.wire import Wire

SHOUT = '''
"""A text, louder."""

from pydantic import BaseModel

from task import task


class Shout(BaseModel):
    """The text in capitals."""

    shout: str


@task()
def shout(text: str, marks: int = 1) -> Shout:
    """Says it louder."""
    return Shout(shout=text.upper() + "!" * marks)
'''


def test_a_file_dropped_into_actors_can_be_called(redis_server: RedisServer, tmp_path: Path) -> None:
    project = copy_project(tmp_path, {"shout.py": SHOUT})
    with System(project, redis_server.url) as system:
        system.start("ingress")
        system.start("worker")
        assert "shout" in system.log("ingress")
        with Wire(redis_server.url) as wire:
            assert wire.ask("shout", {"text": "hello", "marks": 3})["result"] == {"shout": "HELLO!!!"}
            assert wire.ask("shout", {"text": "hello", "marks": "3"})["error_code"] == "invalid_parameters"
            assert wire.ask("shout")["error"] == "Missing 'text' parameter"


def test_tasks_may_lie_in_packages(redis_server: RedisServer, tmp_path: Path) -> None:
    project = copy_project(tmp_path, {"loud/__init__.py": "", "loud/shout.py": SHOUT})
    with System(project, redis_server.url) as system:
        system.start("ingress")
        assert "shout" in system.log("ingress")


@pytest.fixture(scope="module")
def project_with_a_wrong_task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("wrong"), {"wrong.py": SHOUT.replace("text: str", "text")})


@pytest.mark.parametrize("name", ["ingress", "scheduler", "worker", "dramatiq", "contract"])
def test_a_wrong_declaration_is_one_line_wherever_tasks_are_declared(
    project_with_a_wrong_task: Path, redis_server: RedisServer, name: str
) -> None:
    arguments = ["-m", "client.command", "contract"] if name == "contract" else COMMANDS[name][0]
    ended = run_to_its_end(project_with_a_wrong_task, arguments, environment(redis_server.url))
    complaint = "callboard: task 'shout': parameter 'text' should have a type annotation"
    assert ended.returncode == 1
    assert ended.stderr.splitlines().count(complaint) == 1
    assert "Traceback" not in ended.stderr


MISTAKES = {
    "syntax": ("\ndef f(a: int -> dict: ...\n", "line 2: SyntaxError: invalid syntax"),
    "name": ("KEY = os.environ['API_KEY']\n", "line 1: NameError: name 'os' is not defined"),
    "package": (
        "import no_such_package\n",
        "line 1: ModuleNotFoundError: No module named 'no_such_package'; what it needs is to be installed into {}",
    ),
}


@pytest.mark.parametrize("name", ["ingress", "worker"])
@pytest.mark.parametrize(("module", "complaint"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_in_a_file_of_tasks_is_one_line_that_names_the_place(
    tmp_path: Path, redis_server: RedisServer, name: str, module: str, complaint: str
) -> None:
    project = copy_project(tmp_path, {"loud/__init__.py": "", "loud/oops.py": module})
    ended = run_to_its_end(project, COMMANDS[name][0], environment(redis_server.url))
    assert ended.returncode == 1
    assert ended.stderr.splitlines().count(f"callboard: actors/loud/oops.py, {complaint.format(sys.prefix)}") == 1
    assert "Traceback" not in ended.stderr


def test_an_error_further_down_keeps_its_traceback(tmp_path: Path, redis_server: RedisServer) -> None:
    project = copy_project(tmp_path, {"oops.py": "import json\n\njson.loads('{')\n"})
    ended = run_to_its_end(project, COMMANDS["ingress"][0], environment(redis_server.url))
    assert ended.returncode == 1
    assert f'{project}/actors/oops.py", line 3' in ended.stderr
    assert "json.decoder.JSONDecodeError" in ended.stderr
