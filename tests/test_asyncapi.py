"""The generated contract: true to the tasks, to the models and to what a client really gets."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, FiniteFloat, ValidationError

import actors  # noqa: F401 - declares the tasks
from client.asyncapi import asyncapi_document
from client.asyncapi_messages import messages
from client.json_schemas import completed_schema, json_schemas, key, request_name
from client.schema_kinds import takes_null
from contract import ControlMessage, TaskDescription, TaskOutcome, timestamp
from settings import Settings
from task import catalogue, task
from tests.awkward_task import declare_awkward, declare_of_two_results
from tests.configured import load
from tests.samples import perform, strict_json, undo_declarations  # noqa: F401 - a fixture
from tests.system import PROJECT, copy_project, environment, run_to_its_end
from tests.wire import Wire

JsonObject = dict[str, Any]


def descriptions() -> list[TaskDescription]:
    """Of the tasks in `actors/`; other tests may have declared some of their own."""
    tasks = (catalogue[name] for name in sorted(catalogue))
    return [task.description for task in tasks if task.__module__.startswith("actors.")]


def validator(name: str) -> Draft202012Validator:
    """Of one definition in the document of plain schemas."""
    document = json_schemas(descriptions())
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": document["$defs"]})


def references(part: Any) -> Iterator[str]:
    """Every `$ref` in a document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def resolved(document: JsonObject, reference: str) -> Any:
    target: Any = document
    for step in reference.removeprefix("#/").split("/"):
        target = target[step]
    return target


def test_the_committed_document_is_the_generated_one() -> None:
    committed = json.loads((PROJECT / "docs" / "asyncapi.json").read_text())
    # A new task is one new file and nothing else anywhere, so it may be missing there.
    known = [task for task in descriptions() if request_name(task) in committed["components"]["messages"]]
    assert asyncapi_document(known, load({})) == committed, "run `make contract`"


def test_the_command_prints_the_document_of_the_configuration() -> None:
    made = run_to_its_end(PROJECT, ["-m", "client.command", "contract"], environment("redis://example.org"))
    assert json.loads(made.stdout) == asyncapi_document(descriptions(), load({}, REDIS_URL="redis://example.org"))


@pytest.mark.usefixtures("undo_declarations")
def test_every_reference_leads_somewhere() -> None:
    declare_awkward()
    for document in (asyncapi_document(descriptions(), Settings()), json_schemas(descriptions())):
        assert [resolved(document, reference) for reference in references(document)] != []


def test_every_schema_is_one() -> None:
    Draft202012Validator.check_schema(json_schemas(descriptions()))


@pytest.mark.parametrize(
    ("request_", "is_one"),
    [
        ({"task_type": "reverse_string", "user_id": "u", "parameters": {"text": "x"}}, True),
        ({"task_type": "reverse_string", "user_id": 7, "parameters": {"text": "x"}, "request_id": None}, True),
        ({"task_type": "reverse_string", "user_id": "u", "parameters": {"text": "x"}, "traceparent": None}, True),
        ({"task_type": "reverse_string", "user_id": "u", "parameters": {}}, False),
        ({"task_type": "reverse_string", "user_id": "u"}, False),
        ({"task_type": "reverse_string", "user_id": 0, "parameters": {"text": "x"}}, False),
        ({"task_type": "reverse_string", "user_id": "", "parameters": {"text": "x"}}, False),
        ({"task_type": "reverse_string", "user_id": "u", "parameters": {"text": "x"}, "request_id": "a b"}, False),
        ({"task_type": "generate_random_number", "user_id": "u", "parameters": {"text": "x"}}, False),
    ],
)
def test_a_request_schema_tells_requests_from_others(request_: JsonObject, is_one: bool) -> None:
    assert validator("reverse_string.request").is_valid(request_) is is_one


def test_a_request_for_a_task_that_needs_no_parameters_may_have_none() -> None:
    fields: JsonObject = {"task_type": "generate_random_number", "user_id": "u"}
    for request in (fields, fields | {"parameters": None}, fields | {"parameters": {}}):
        validator("generate_random_number.request").validate(request)


@pytest.mark.parametrize(
    ("names", "is_one"),
    [
        ({"task_id": "t"}, True),
        ({"request_id": "r"}, True),
        ({"task_id": None, "request_id": "r"}, True),
        ({"task_id": "t", "request_id": None}, True),
        ({"task_id": "t", "request_id": "r"}, True),
        ({}, False),
        ({"task_id": None}, False),
        ({"request_id": None}, False),
        ({"task_id": None, "request_id": None}, False),
        ({"task_id": ""}, False),
    ],
)
def test_the_control_schema_takes_what_its_model_takes(names: JsonObject, is_one: bool) -> None:
    message = {"action": "cancel", "user_id": "u"} | names
    assert validator("control").is_valid(message) is is_one
    with nullcontext() if is_one else pytest.raises(ValidationError):
        ControlMessage.model_validate(message)


def test_what_a_client_gets_is_what_the_contract_says(wire: Wire) -> None:
    for name in ("reverse_string", "generate_random_number", "callboard.ping", "callboard.tasks"):
        outcome = wire.ask(name, {"text": "abc"}, request_id=name)
        validator(f"{name}.completed").validate(outcome)
        assert not validator("error").is_valid(outcome)
    for outcome in (wire.ask("make_tea"), wire.ask("always_fails", request_id="r"), wire.only_outcome(b"nonsense")):
        validator("error").validate(outcome)
        assert not validator("reverse_string.completed").is_valid(outcome)


class Measured(BaseModel):
    """A number of each kind."""

    any: float
    several: list[float]
    optional: float | None
    above: Annotated[float, Field(ge=0)]
    share: Annotated[float, Field(ge=0, le=1)]
    finite: FiniteFloat


@pytest.mark.usefixtures("undo_declarations")
def test_a_number_of_a_result_is_null_where_it_may_be_none_that_json_has() -> None:
    nan, inf = float("nan"), float("inf")

    @task()
    def measures() -> Measured:
        return Measured(any=nan, several=[-inf, 1], optional=None, above=inf, share=0.5, finite=1)

    outcome = TaskOutcome(
        user_id="u",
        task_type="measures",
        task_id="t",
        status="completed",
        timestamp=timestamp(),
        result=perform(measures),
    )
    Draft202012Validator(completed_schema(measures.description)).validate(json.loads(outcome.to_wire()))
    properties = measures.description.result["properties"]
    assert [takes_null(part, {}) for part in properties.values()] == [True, False, True, True, False, False]


@pytest.mark.usefixtures("undo_declarations")
def test_a_result_of_several_types_is_one_of_them() -> None:
    description = declare_of_two_results().description
    document = json_schemas([description])
    completed = Draft202012Validator({"$ref": "#/$defs/adopt.completed", "$defs": document["$defs"]})
    described = messages([description])
    outcome = described["adopt.completed"]["examples"][0]["payload"]
    assert outcome["result"] == {"kind": "cat"}
    assert described["adopt.request"]["examples"][0]["payload"]["parameters"] == {"age": 3}
    completed.validate(outcome)
    completed.validate(outcome | {"result": {"kind": "dog", "friends": []}})
    assert not completed.is_valid(outcome | {"result": {"kind": "fish"}})


def test_a_name_of_any_kind_becomes_a_key() -> None:
    assert key("reverse_string") == "reverse_string"
    assert key("walk the/dog ~é") == "walk-20-the-2f-dog-20--7e--e9-"


def test_the_document_has_the_names_of_the_configuration() -> None:
    channels = {"tasks_queue": "in", "tasks_stream": "durable", "results_queue": "out", "events": "e", "control": "c"}
    settings = load({"redis": {"channels": channels, "key_prefix": "shop:"}, "limits": {"reply_to": ["mine:*"]}})
    described = asyncapi_document(descriptions(), settings)["channels"]
    assert {name: channel["address"] for name, channel in described.items()} == {
        "tasks": "in",
        "stream": "shop:durable",
        "results": "out",
        "reply": None,
        "events": "e",
        "control": "c",
    }
    assert "mine:*" in described["reply"]["description"]


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("redis://ada:hush@example.org:7000/2", {"example.org:7000"}),
        ("rediss://:hush@[::1]:7000", {"[::1]:7000"}),
        ("unix://ada:hush@/run/redis.sock", {"localhost"}),
        ("redis+sentinel://:hush@a:1,b:2/main?sentinel_password=hush", {"a:1", "b:2"}),
        ("rediss+cluster://:hush@a:1,b:2", {"a:1", "b:2"}),
    ],
)
def test_the_servers_are_those_of_the_configuration_without_a_secret(url: str, hosts: set[str]) -> None:
    servers = asyncapi_document(descriptions(), load({}, REDIS_URL=url))["servers"]
    assert {server["host"] for server in servers.values()} == hosts
    assert {server["protocol"] for server in servers.values()} == {"rediss" if url.startswith("rediss") else "redis"}
    assert "hush" not in json.dumps(servers)


def test_the_command_writes_plain_schemas_to_a_file(tmp_path: Path) -> None:
    arguments = ["-m", "client.command", "contract", "--json-schema", "--output", str(tmp_path / "schemas.json")]
    made = run_to_its_end(PROJECT, arguments, environment(None))
    assert (made.stdout, made.returncode) == ("", 0)
    assert json.loads((tmp_path / "schemas.json").read_text()) == json_schemas(descriptions())


GREET = '''
from pydantic import BaseModel

from task import task


class Greeting(BaseModel):
    loudness: float = float("nan")


@task()
def greet() -> Greeting:
    """Grüßt, mit 👋."""
    return Greeting()
'''


def test_the_command_writes_json_in_utf_8_whatever_the_encoding_here_and_the_defaults_are(tmp_path: Path) -> None:
    project = copy_project(tmp_path, {"greet.py": GREET})
    variables = environment(None, PYTHONIOENCODING="latin-1")
    made = run_to_its_end(project, ["-m", "client.command", "contract", "--output", "contract.json"], variables)
    assert (made.stderr, made.returncode) == ("", 0)
    described = strict_json((project / "contract.json").read_bytes())
    assert described["operations"]["perform.greet"]["summary"] == "Grüßt, mit 👋."


def test_without_a_configuration_the_command_writes_nothing_and_says_why(tmp_path: Path) -> None:
    variables = environment(None, CALLBOARD_CONFIG=str(tmp_path / "none.json"))
    output = tmp_path / "contract.json"
    made = run_to_its_end(PROJECT, ["-m", "client.command", "contract", "--output", str(output)], variables)
    assert made.returncode == 1
    assert made.stderr.startswith("callboard: configuration file")
    assert not output.exists()


def test_the_help_needs_no_configuration(tmp_path: Path) -> None:
    variables = environment(None, CALLBOARD_CONFIG=str(tmp_path / "none.json"))
    made = run_to_its_end(PROJECT, ["-m", "client.command", "contract", "--help"], variables)
    assert (made.returncode, made.stderr) == (0, "")
