"""What a program in another language makes of Callboard: the official AsyncAPI parser, and a client in JavaScript."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import actors  # noqa: F401 - declares the tasks
from client.asyncapi import asyncapi_document
from client.redis_server import RedisServer, free_port
from settings import Settings
from task import catalogue
from tests.awkward_task import declare_awkward
from tests.javascript_package import installed, run_node
from tests.samples import undo_declarations  # noqa: F401 - a fixture
from tests.system import System


@pytest.fixture(scope="module")
def parser() -> Path:
    return installed("tests/javascript")


@pytest.fixture(scope="module")
def example() -> Path:
    return installed("examples/javascript")


@pytest.fixture(scope="module")
def own_system(project: Path) -> Iterator[System]:
    """On one plain server, whatever the suite runs on: the example is no client of Sentinels."""
    with RedisServer() as server, System(project, server.url) as system:
        system.start("ingress")
        system.start("worker")
        yield system


@pytest.mark.usefixtures("undo_declarations")
def test_the_official_parser_has_nothing_to_say_against_the_contract(parser: Path) -> None:
    declare_awkward()
    tasks = [declared.description for declared in catalogue.values()]
    document = json.dumps(asyncapi_document(tasks, Settings()))
    read = run_node("parse.mjs", cwd=parser, given=document)
    assert read.returncode == 0, read.stderr
    assert json.loads(read.stdout)["complaints"] == []


def test_a_tool_sees_an_operation_for_each_task_with_its_reply(parser: Path) -> None:
    tasks = [declared.description for declared in catalogue.values()]
    read = run_node("parse.mjs", cwd=parser, given=json.dumps(asyncapi_document(tasks, Settings())))
    operations = {operation["id"]: operation for operation in json.loads(read.stdout)["operations"]}
    assert operations["perform.reverse_string"] == {
        "id": "perform.reverse_string",
        "action": "receive",
        "channels": ["tasks"],
        "messages": ["reverse_string.request"],
        "correlationIds": ["$message.payload#/request_id"],
        "replyTo": "$message.payload#/reply_to",
        "replies": ["reverse_string.completed", "error"],
    }
    assert {name for name in operations if name.startswith("perform.")} == {f"perform.{name}" for name in catalogue}
    assert operations["sendOutcome"]["action"] == "send"


def test_the_parser_does_find_fault(parser: Path) -> None:
    read = run_node("parse.mjs", cwd=parser, given='{"asyncapi": "3.0.0", "info": {"title": "no version"}}')
    assert json.loads(read.stdout)["complaints"] != []


def test_a_client_in_javascript_gets_its_result(example: Path, own_system: System) -> None:
    ended = run_node("call.mjs", "reverse_string", '{"text": "hello"}', cwd=example, REDIS_URL=own_system.redis_url)
    assert (ended.stdout, ended.stderr, ended.returncode) == ('{"reversed_text":"olleh"}\n', "", 0)


def test_a_client_in_javascript_is_told_why_there_is_none(example: Path, own_system: System) -> None:
    ended = run_node("call.mjs", "reverse_string", cwd=example, REDIS_URL=own_system.redis_url)
    assert (ended.stderr, ended.returncode) == ("invalid_parameters: Missing 'text' parameter\n", 1)


def test_a_client_in_javascript_says_that_nobody_listens(example: Path) -> None:
    with RedisServer() as server:
        ended = run_node("call.mjs", "reverse_string", '{"text": "hello"}', cwd=example, REDIS_URL=server.url)
    assert (ended.stderr, ended.returncode) == ("nobody listens on the channel 'tasks': is an ingress running?\n", 1)


def test_a_client_in_javascript_says_how_it_is_called(example: Path) -> None:
    ended = run_node("call.mjs", cwd=example)
    assert (ended.stdout, ended.returncode) == ("", 2)
    assert ended.stderr == "usage: node call.mjs TASK ['{\"parameter\": value}']\n"


def test_a_client_in_javascript_ends_with_one_line_where_its_parameters_are_no_json(example: Path) -> None:
    ended = run_node("call.mjs", "reverse_string", "{text}", cwd=example)
    assert (ended.stdout, len(ended.stderr.splitlines()), ended.returncode) == ("", 1, 1)
    assert "JSON" in ended.stderr


@pytest.mark.parametrize("url", ["redis://127.0.0.1:{port}", "redis://localhost:{port}", "nonsense"])
def test_a_client_in_javascript_ends_with_one_line_where_redis_does_not_answer(example: Path, url: str) -> None:
    url = url.format(port=free_port())
    ended = run_node("call.mjs", "reverse_string", '{"text": "hello"}', cwd=example, REDIS_URL=url)
    assert (ended.stdout, len(ended.stderr.splitlines()), ended.returncode) == ("", 1, 1)
    assert "ECONNREFUSED" in ended.stderr or "Invalid URL" in ended.stderr


#: Node's timers, a hundred times as fast.
HASTE = "const timer = setTimeout; globalThis.setTimeout = (call, ms, ...rest) => timer(call, ms / 100, ...rest)"


def test_a_client_in_javascript_gives_up_on_a_redis_that_says_nothing(example: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        arguments = ["--import", f"data:text/javascript,{HASTE}", "call.mjs", "reverse_string"]
        ended = run_node(*arguments, cwd=example, REDIS_URL=url)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("", "no outcome in 30 s\n", 1)
