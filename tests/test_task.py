"""A declared task: a function still, with a model of its parameters and one of its result."""

import asyncio
import functools
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from broker import broker, settings
from errors import InvalidResultError
from task import Task, catalogue, task
from tests.samples import perform, undo_declarations  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("undo_declarations")


class Note(BaseModel):
    text: str = ""


@pytest.fixture
def sample() -> Task[..., Note]:
    """A task that says what it got."""

    @task()
    def sample(number: int, *, day: date = date(2024, 2, 29), several: tuple[int, ...] = ()) -> Note:
        """Says what it got.

        And that at length.
        """
        return Note(text=f"{number} {day} {several}")

    return sample


def test_a_declared_task_is_in_the_catalogue_under_its_functions_name(sample: Task[..., Note]) -> None:
    assert catalogue["sample"] is sample
    assert broker.get_actor("sample") is sample.actor


def test_a_task_may_have_a_name_of_its_own() -> None:
    @task(name="write.note")
    def write() -> Note:
        return Note()

    assert catalogue["write.note"] is write
    assert "write" not in catalogue


def test_calling_a_task_calls_the_plain_function(sample: Task[..., Note]) -> None:
    assert sample(1).text == "1 2024-02-29 ()"
    assert sample("no integer", day=None).text == "no integer None ()"


def test_an_async_function_makes_a_task_too() -> None:
    @task()
    async def write(text: str) -> Note:
        await asyncio.sleep(0)
        return Note(text=text)

    assert asyncio.run(write("hello")) == Note(text="hello")
    assert write.check({"text": "hello"}) == {"text": "hello"}


def test_a_worker_hands_the_function_what_its_annotations_say(sample: Task[..., Note]) -> None:
    result = perform(sample, number=1, day="2024-03-01", several=[1, 2])
    assert result == {"text": "1 2024-03-01 (1, 2)"}


class Switch(StrEnum):
    ON = "on"


@pytest.mark.parametrize(
    ("annotation", "given", "expected"),
    [(bool | Switch, "on", "Switch"), (datetime | date, "2024-03-01", "date"), (int | Decimal, "5", "Decimal")],
)
def test_of_several_types_a_parameter_gets_the_one_that_it_is_in_json(
    annotation: Any, given: str, expected: str
) -> None:
    def names_the_type(value: Any) -> Note:
        return Note(text=type(value).__name__)

    names_the_type.__annotations__["value"] = annotation
    assert perform(task()(names_the_type), value=given) == {"text": expected}


def test_a_result_that_its_annotation_does_not_allow_is_an_error() -> None:
    @task()
    def breaks_its_word() -> Note:
        return {"text": 5}  # type: ignore[return-value]

    with pytest.raises(InvalidResultError, match=r"does not declare: text: Input should be a valid string$"):
        perform(breaks_its_word)


class Price(BaseModel):
    amount: Decimal = 0  # type: ignore[assignment]
    percent: Annotated[int, Field(alias="vat")] = 20


def test_what_pydantic_has_not_checked_is_made_good() -> None:
    @task()
    def tells_the_price() -> Price:
        return Price(vat=7)

    assert perform(tells_the_price) == {"amount": "0", "percent": 7}


def test_what_was_put_into_a_result_later_is_checked_too() -> None:
    @task()
    def changes_its_mind() -> dict[str, list[Note]]:
        note = Note(text="a")
        note.text = 5  # type: ignore[assignment]
        return {"notes": [note]}

    with pytest.raises(InvalidResultError, match=r"does not declare: notes: 0: text: Input should be a valid string$"):
        perform(changes_its_mind)


def test_a_coroutine_that_a_decorator_does_not_await_is_named() -> None:
    async def write() -> Note:
        return Note()

    @task()
    @functools.wraps(write)
    def decorated() -> Any:
        return write()

    with pytest.raises(InvalidResultError, match=r"what decorates an `async def` should be one too$"):
        perform(decorated)


def test_the_configuration_says_how_a_task_is_tried_where_it_says_nothing(sample: Task[..., Note]) -> None:
    assert sample.actor.queue_name == "default"
    assert sample.actor.options["max_retries"] == settings.worker.max_attempts - 1
    assert sample.actor.options["time_limit"] == settings.worker.time_limit_ms


def test_a_task_may_be_tried_in_its_own_way() -> None:
    @task(queue_name="slow", max_attempts=2, min_backoff_ms=5, max_backoff_ms=6, time_limit_ms=7)
    def slow() -> Note:
        return Note()

    expected = {"max_retries": 1, "min_backoff": 5, "max_backoff": 6, "time_limit": 7}
    assert slow.actor.options.items() >= expected.items()
    assert slow.actor.queue_name == "slow"
