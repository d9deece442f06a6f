"""What a client is told of the tasks: by `callboard.tasks`, and of the way to a worker by `callboard.ping`."""

import time
from datetime import date
from typing import Annotated, Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, InstanceOf, WithJsonSchema

import actors  # noqa: F401 - declares the tasks
from actors.callboard_tasks import list_tasks
from errors import DeclarationError, InvalidParametersError
from task import catalogue, task
from tests.samples import perform, undo_declarations  # noqa: F401 - a fixture
from tests.wire import Wire
from version import VERSION


class Note(BaseModel):
    text: str = ""


def schema_accepts(task_type: str, parameters: dict[str, Any]) -> bool:
    return Draft202012Validator(catalogue[task_type].description.parameters).is_valid(parameters)


def gate_accepts(task_type: str, parameters: dict[str, Any]) -> bool:
    try:
        catalogue[task_type].check(parameters)
    except InvalidParametersError:
        return False
    return True


def test_every_schema_is_one() -> None:
    for declared in catalogue.values():
        Draft202012Validator.check_schema(declared.description.parameters)
        Draft202012Validator.check_schema(declared.description.result)


def test_the_catalogue_comes_over_the_wire(wire: Wire) -> None:
    tasks = {one["name"]: one for one in wire.ask("callboard.tasks")["result"]["tasks"]}
    assert list(tasks) == sorted(tasks)
    assert tasks["reverse_string"] == catalogue["reverse_string"].description.model_dump() | {"max_attempts": 3} | {
        "time_limit_ms": 20_000
    }
    assert tasks["weekday"]["parameters"]["properties"]["day"]["format"] == "date"
    assert tasks["fails_until"]["max_attempts"] == 4
    assert "callboard.tasks" in tasks


def test_a_result_is_described_as_it_is_written() -> None:
    result = perform(list_tasks)
    Draft202012Validator(list_tasks.description.result).validate(result)


@pytest.mark.parametrize(
    ("task_type", "parameters"),
    [
        ("reverse_string", {"text": "abc"}),
        ("reverse_string", {"text": ""}),
        ("reverse_string", {"text": 7}),
        ("reverse_string", {}),
        ("reverse_string", {"text": "abc", "unknown": 1}),
        ("generate_random_number", {}),
        ("generate_random_number", {"min_value": 5}),
        ("generate_random_number", {"min_value": " -5\n"}),
        ("generate_random_number", {"min_value": "5.0"}),
        ("generate_random_number", {"min_value": True}),
        ("generate_random_number", {"max_value": 2**63}),
        ("callboard.ping", {"sent_at_ms": 1.5}),
        ("callboard.ping", {"sent_at_ms": None}),
        ("callboard.ping", {"sent_at_ms": "now"}),
    ],
)
def test_a_schema_accepts_what_the_gate_accepts(task_type: str, parameters: dict[str, Any]) -> None:
    assert schema_accepts(task_type, parameters) is gate_accepts(task_type, parameters)


@pytest.mark.usefixtures("undo_declarations")
def test_a_description_is_the_functions_docstring_and_its_types() -> None:
    @task(name="note.write", queue_name="notes", time_limit_ms=7)
    def write(text: str, day: date = date(2024, 2, 29)) -> Note:
        """Writes it.

        And that at length.
        """
        return Note(text=text)

    description = write.description
    assert (description.name, description.queue_name, description.time_limit_ms) == ("note.write", "notes", 7)
    assert description.description == "Writes it.\n\nAnd that at length."
    assert description.parameters["required"] == ["text"]
    assert description.parameters["properties"]["day"]["default"] == "2024-02-29"
    assert description.result["properties"]["text"]["type"] == "string"


@pytest.mark.usefixtures("undo_declarations")
def test_a_parameter_that_no_schema_describes_is_refused_at_its_declaration() -> None:
    with pytest.raises(DeclarationError, match=r"'strange': its parameters have no JSON schema.*WithJsonSchema"):

        @task()
        def strange(value: InstanceOf[Wire]) -> Note:
            return Note()

    @task()
    def described(value: Annotated[InstanceOf[Wire], WithJsonSchema({"type": "string"})]) -> Note:
        return Note()

    assert described.description.parameters["properties"]["value"]["type"] == "string"


def test_a_ping_says_who_answers_and_where_the_request_waited(wire: Wire) -> None:
    sent_at_ms = time.time() * 1000
    result = wire.ask("callboard.ping", {"sent_at_ms": sent_at_ms})["result"]
    elapsed_ms = time.time() * 1000 - sent_at_ms
    assert result["version"] == VERSION
    assert result["uptime_s"] > 0
    # One machine, one clock; it is the message that counts in whole ms.
    steps = ("to_ingress_ms", "queued_ms", "prefetched_ms")
    assert all(-1 <= result["waited"][step] <= elapsed_ms + 1 for step in steps)
    assert sum(result["waited"].values()) <= elapsed_ms + 1


def test_a_ping_that_does_not_say_when_it_was_sent_leaves_that_step_out(wire: Wire) -> None:
    waited = wire.ask("callboard.ping")["result"]["waited"]
    assert waited["to_ingress_ms"] is None
    assert waited["queued_ms"] >= -1


def test_the_wait_of_a_delayed_ping_is_time_on_the_queue(wire: Wire) -> None:
    assert wire.ask("callboard.ping", delay_ms=100)["result"]["waited"]["queued_ms"] >= 99
