"""How the parameters of a request are judged: as JSON, strictly, and each by its name."""

from datetime import date
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, BeforeValidator, Field

from errors import InvalidParametersError
from task import Task, task
from tests.samples import undo_declarations  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("undo_declarations")


class Point(BaseModel):
    x: int
    y: int = 0


class Note(BaseModel):
    text: str = ""


@pytest.fixture
def sample() -> Task[..., Note]:
    """A task with a parameter of each kind, all but the number with a default."""

    @task()
    def sample(
        number: int,
        *,
        ratio: float = 0.5,
        name: Annotated[str, Field(min_length=1)] = "n",
        day: date = date(2024, 2, 29),
        flag: bool = False,
        point: Point | None = None,
        several: tuple[int, ...] = (),
    ) -> Note:
        return Note()

    return sample


def complaint(declared: Task[..., Any], parameters: dict[str, Any]) -> str:
    """Why its model refuses the parameters."""
    with pytest.raises(InvalidParametersError) as refused:
        declared.check(parameters)
    return str(refused.value)


@pytest.mark.parametrize(
    "parameters",
    [
        {"number": -1, "ratio": 2.5, "name": "m", "day": "2024-03-01", "flag": True},
        {"number": 10**30, "point": {"x": 5}, "several": [1, 2]},
        {"number": 0, "ratio": 1, "point": None},
    ],
)
def test_parameters_in_order_stay_as_they_came(sample: Task[..., Note], parameters: dict[str, Any]) -> None:
    assert sample.check(parameters) == parameters


def test_a_parameter_with_a_default_may_be_absent(sample: Task[..., Note]) -> None:
    assert sample.check({"number": 1}) == {"number": 1}


def test_an_unknown_parameter_is_dropped(sample: Task[..., Note]) -> None:
    assert sample.check({"number": 1, "colour": "red", "": None}) == {"number": 1}


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("number", True, "a valid integer"),
        ("number", 1.5, "a valid integer"),
        ("number", 1.0, "a valid integer"),
        ("number", "1", "a valid integer"),
        ("number", [1], "a valid integer"),
        ("ratio", "0.5", "a valid number"),
        ("ratio", True, "a valid number"),
        ("ratio", 10**400, "a finite number"),
        ("name", 5, "a valid string"),
        ("name", ["n"], "a valid string"),
        ("flag", 1, "a valid boolean"),
        ("flag", "true", "a valid boolean"),
        ("day", "2024-02-30", "a valid date"),
        ("day", "tomorrow", "a valid date"),
        ("day", 20240301, "a valid date"),
        ("point", [5, 6], "an object"),
        ("several", {"0": 1}, "a valid array"),
    ],
)
def test_a_parameter_of_another_type_is_refused(
    sample: Task[..., Note], name: str, value: object, accepted: str
) -> None:
    line = complaint(sample, {"number": 1} | {name: value})
    assert line.startswith(f"Invalid '{name}' parameter: ")
    assert accepted in line


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"point": {"x": "5"}}, "point.x"),
        ({"point": {"x": 5, "y": 0.5}}, "point.y"),
        ({"several": [1, "2"]}, "several.1"),
        ({"several": [1, None]}, "several.1"),
    ],
)
def test_a_wrong_part_of_a_parameter_is_named_by_its_path(
    sample: Task[..., Note], parameters: dict[str, Any], name: str
) -> None:
    assert complaint(sample, {"number": 1} | parameters).startswith(f"Invalid '{name}' parameter: ")


@pytest.mark.parametrize("parameters", [{}, {"text": None}, {"text": ""}], ids=["absent", "null", "empty"])
def test_a_required_parameter_that_is_absent_null_or_empty_is_missing(parameters: dict[str, Any]) -> None:
    @task()
    def write(text: Annotated[str, Field(min_length=1)]) -> Note:
        return Note(text=text)

    assert complaint(write, parameters) == "Missing 'text' parameter"


def test_an_empty_text_is_in_order_where_a_task_allows_it() -> None:
    @task()
    def write(text: str) -> Note:
        return Note(text=text)

    assert write.check({"text": ""}) == {"text": ""}


def test_null_for_a_parameter_that_may_be_absent_is_not_called_missing(sample: Task[..., Note]) -> None:
    assert complaint(sample, {"number": 1, "ratio": None}).startswith("Invalid 'ratio' parameter: ")


def test_a_missing_element_of_a_tuple_is_named_by_its_place() -> None:
    @task()
    def places(pair: tuple[int, str]) -> Note:
        return Note()

    assert complaint(places, {"pair": [1]}) == "Missing 'pair.1' parameter"


def test_a_parameter_of_several_types_is_named_as_the_task_names_it() -> None:
    @task()
    def write(text: int | str) -> Note:
        return Note(text=str(text))

    assert complaint(write, {"text": None}) == "Missing 'text' parameter"
    assert complaint(write, {"text": 1.5}).startswith("Invalid 'text' parameter: ")


judged: list[object] = []


def judge(value: object) -> object:
    judged.append(value)
    return value


Item = Annotated[int, BeforeValidator(judge)]


class Basket(BaseModel):
    """A field with the name of a word of pydantic's own schemas."""

    type: list[Item]


@pytest.mark.parametrize(
    ("kind", "many", "where"),
    [
        (list[Item], [[]] * 1_000, "many.0"),
        (tuple[Item, ...], [[]] * 1_000, "many.0"),
        (set[Item], [[]] * 1_000, "many.0"),
        (list[Item | date], [[]] * 1_000, "many.0"),
        (dict[str, Item], {str(key): [] for key in range(1_000)}, "many.0"),
        (Basket, {"type": [[]] * 1_000}, "many.type.0"),
    ],
    ids=["list", "tuple", "set", "union", "object", "model"],
)
def test_of_many_wrong_elements_the_first_is_told_and_no_other_judged(kind: Any, many: Any, where: str) -> None:
    judged.clear()

    @task()
    def takes_many(many: kind) -> Note:
        return Note()

    assert complaint(takes_many, {"many": many}) == f"Invalid '{where}' parameter: Input should be a valid integer"
    assert len(judged) == 1
