"""The examples in the contract: what its schemas, the models and the tasks accept, or none."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

import actors  # noqa: F401 - declares the tasks
from client.asyncapi_messages import messages
from client.examples import NoExampleError, example_of
from client.json_schemas import completed_name, request_name
from contract import ControlMessage, TaskEvent, TaskOutcome, TaskRequest
from task import catalogue, task
from tests.awkward_task import declare_awkward
from tests.samples import undo_declarations  # noqa: F401 - a fixture
from tests.test_asyncapi import descriptions, validator

JsonObject = dict[str, Any]


def test_every_example_is_what_its_schema_and_its_model_accept() -> None:
    described: JsonObject = messages(descriptions())
    for name, message in described.items():
        for example in message.get("examples", ()):
            validator(name).validate(example["payload"])
    for declared in catalogue.values():
        for example in described[request_name(declared.description)].get("examples", ()):
            declared.check(TaskRequest(**example["payload"]).parameters)
        for example in described[completed_name(declared.description)].get("examples", ()):
            assert TaskOutcome(**example["payload"])
    assert all(TaskEvent(**example["payload"]) for example in described["event"]["examples"])
    assert all(ControlMessage(**example["payload"]) for example in described["control"]["examples"])


def test_the_tasks_that_come_with_it_have_examples() -> None:
    for name in ("reverse_string", "generate_random_number", "callboard.ping", "callboard.tasks"):
        description = catalogue[name].description
        described = messages([description])
        assert described[request_name(description)]["examples"]
        assert described[completed_name(description)]["examples"]


@pytest.mark.usefixtures("undo_declarations")
def test_a_task_without_examples_is_described_without_one() -> None:
    awkward = declare_awkward()
    described = messages([awkward.description])
    assert "examples" not in described[request_name(awkward.description)]
    assert "examples" in described["error"]


@pytest.mark.usefixtures("undo_declarations")
def test_an_example_is_what_a_reader_takes_that_tells_types_apart_by_a_constant() -> None:
    class Cat(BaseModel):
        kind: Literal["cat"] = "cat"

    class Dog(BaseModel):
        kind: Literal["dog"] = "dog"

    def walk(pet: Any) -> dict[str, str]:
        return {}

    walk.__annotations__["pet"] = Annotated[Cat | Dog, Field(discriminator="kind")]
    declared = task()(walk)
    example = example_of(declared.description.parameters)
    assert declared.check(example) == example == {"pet": {"kind": "cat"}}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/A", "$defs": {"A": {"type": "array", "items": {"$ref": "#/$defs/A"}}}},
        {"type": "array", "items": {"const": 1}, "minItems": 2},
        {"type": "object", "additionalProperties": {"const": 1}, "minProperties": 1},
    ],
    ids=["itself", "several", "names"],
)
def test_what_cannot_be_made_of_the_examples_of_its_parts_has_none(schema: JsonObject) -> None:
    with pytest.raises(NoExampleError):
        example_of(schema)
