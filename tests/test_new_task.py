"""A new task is one new file in `actors/`, and nothing else anywhere."""

from pathlib import Path

from client.redis_server import RedisServer
from tests.system import System, copy_project
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
