"""A task that cannot work is refused where it is declared, by its name and with the cause."""

import functools
import inspect
from collections.abc import Callable, Generator, Iterable
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from broker import broker
from errors import DeclarationError
from task import catalogue, task
from tests.samples import perform, undo_declarations  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("undo_declarations")


class Note(BaseModel):
    text: str = ""


class Apple(BaseModel):
    kind: Literal["apple"] = "apple"
    seeds: int = 5


class Pear(BaseModel):
    kind: Literal["pear"] = "pear"


def refusal(function: Callable[..., Any], **options: Any) -> str:
    """Why it makes no task; nothing is left of the attempt."""
    tasks, actors = dict(catalogue), dict(broker.actors)
    with pytest.raises(DeclarationError) as refused:
        task(**{"name": "new"} | options)(function)
    assert (catalogue, broker.actors) == (tasks, actors)
    line = str(refused.value)
    assert line.startswith("task 'new'")
    return line


def annotated(**annotations: object) -> Callable[..., Any]:
    """A function of one parameter `x`, with these annotations instead of its own."""

    def function(x: int) -> Note:
        return Note(text=str(x))

    function.__annotations__ |= annotations
    return function


def returns_nothing_known(x: int):  # type: ignore[no-untyped-def]
    return Note(text=str(x))


def unannotated(x) -> Note:  # type: ignore[no-untyped-def]
    return Note(text=x)


def any_number(*texts: str) -> Note:
    return Note(text="".join(texts))


def any_names(**texts: str) -> Note:
    return Note(text="".join(texts))


def positional_only(text: str, /) -> Note:
    return Note(text=text)


@pytest.mark.parametrize(
    ("function", "parameter"),
    [(any_number, "*texts: str"), (any_names, "**texts: str"), (positional_only, "text: str")],
    ids=["any-number", "any-names", "positional-only"],
)
def test_a_parameter_that_cannot_be_given_by_its_name_is_refused(function: Callable[..., Any], parameter: str) -> None:
    line = refusal(function)
    assert f"'{parameter}'" in line
    assert "by its name" in line


def test_a_parameter_without_an_annotation_is_refused() -> None:
    assert "'x' should have a type annotation" in refusal(unannotated)


def leading_underscore(_x: int) -> Note:
    return Note(text=str(_x))


def json_method(json: int) -> Note:
    return Note(text=str(json))


def copy_method(copy: int) -> Note:
    return Note(text=str(copy))


def model_fields(model_fields: int) -> Note:
    return Note(text=str(model_fields))


def model_config(model_config: int) -> Note:
    return Note(text=str(model_config))


def itself(self: int) -> Note:
    return Note(text=str(self))


def dunder(__base__: int) -> Note:
    return Note(text=str(__base__))


@pytest.mark.parametrize(
    "function",
    [leading_underscore, json_method, copy_method, model_fields, model_config, itself, dunder],
    ids=lambda function: function.__name__,
)
def test_a_parameter_whose_name_a_model_or_an_actor_needs_is_refused(function: Callable[..., Any]) -> None:
    (parameter,) = inspect.signature(function).parameters
    assert parameter in refusal(function).removeprefix("task 'new'")


@pytest.mark.parametrize("name", ["class_", "name", "args", "kwargs", "message", "model_number"])
def test_any_other_name_will_do(name: str) -> None:
    scope: dict[str, Any] = {"Note": Note}
    exec(f"def function({name}: int) -> Note: return Note(text=str({name}))", scope)  # noqa: S102
    assert perform(task(name="new")(scope["function"]), **{name: 5}) == {"text": "5"}


@pytest.mark.parametrize(
    "annotation",
    [
        pytest.param("Nowhere", id="unknown-name"),
        pytest.param("functools.Nowhere", id="unknown-attribute"),
        pytest.param("list[", id="syntax"),
        pytest.param("functools[int]", id="no-generic"),
    ],
)
@pytest.mark.parametrize("place", ["x", "return"])
def test_an_annotation_that_cannot_be_resolved_is_refused(place: str, annotation: str) -> None:
    assert functools, "the annotations above name it"
    assert "annotation" in refusal(annotated(**{place: annotation}))


@pytest.mark.parametrize(
    "annotation",
    [
        pytest.param(5, id="value"),
        pytest.param(print, id="function"),
        pytest.param(Annotated[str, Field(pattern="[")], id="constraint"),
    ],
)
def test_an_annotation_that_pydantic_makes_no_model_of_is_refused(annotation: object) -> None:
    line = refusal(annotated(x=annotation))
    assert "parameter 'x' makes no field of a pydantic model: " in line
    assert not line.endswith(":")
    assert "arbitrary_types_allowed" not in line


class Lines(BaseModel):
    texts: Iterable[str]


@pytest.mark.parametrize("annotation", [Iterable[int], Generator[int, None, None], list[Lines] | None], ids=str)
def test_a_parameter_that_is_checked_only_when_it_is_read_is_refused(annotation: object) -> None:
    assert "is not checked before it is read, use list or Sequence" in refusal(annotated(x=annotation))


@pytest.mark.parametrize("annotation", [Lines, dict[str, Iterable[int]]], ids=str)
def test_so_is_a_result(annotation: object) -> None:
    line = refusal(annotated(**{"return": annotation}))
    assert "return annotation should be a type that becomes a JSON object" in line
    assert "use list or Sequence" in line


@pytest.mark.parametrize(
    ("annotation", "default"),
    [(int, "x"), (date, "tomorrow"), (str, None), (list[int], ["x"])],
    ids=str,
)
def test_a_default_that_its_own_type_refuses_is_refused(annotation: object, default: object) -> None:
    def function(x: Any = default) -> dict[str, str]:
        return {}

    function.__annotations__["x"] = annotation
    assert "the default of 'x': Input should be" in refusal(function)


def test_a_refusal_is_one_line_whatever_pydantic_says() -> None:
    line = refusal(annotated(x=5))
    assert line.splitlines() == [line]


@pytest.mark.parametrize(
    "annotation",
    [None, int, str, list[int], Any, object, Note | None, Note | list[Note], print, 5, Callable[[], int]],
    ids=["none", "int", "str", "list", "any", "object", "optional", "union", "function", "value", "callable"],
)
def test_a_result_that_is_no_json_object_is_refused(annotation: object) -> None:
    assert "return annotation should be a type that becomes a JSON object" in refusal(
        annotated(**{"return": annotation})
    )


def test_a_task_without_a_return_annotation_is_refused() -> None:
    assert "return annotation" in refusal(returns_nothing_known)


@pytest.mark.parametrize(
    "annotation",
    [Note, dict[str, int], "Note", Note | dict[str, int], Annotated[Apple | Pear, Field(discriminator="kind")]],
    ids=["model", "dict", "forward", "union", "discriminated"],
)
def test_a_result_may_be_any_type_that_becomes_a_json_object(annotation: object) -> None:
    task(name="new")(annotated(**{"return": annotation}))
    assert "new" in catalogue


def test_a_result_is_of_that_type_of_a_union_that_was_returned() -> None:
    def picks(pear: bool) -> Apple | Pear:
        return Pear() if pear else Apple()

    fruit = task(name="new")(picks)
    assert perform(fruit, pear=True) == {"kind": "pear"}
    assert perform(fruit, pear=False) == {"kind": "apple", "seeds": 5}


def test_a_function_that_yields_is_refused() -> None:
    def counts(x: int) -> Note:  # type: ignore[misc]
        yield Note(text=str(x))

    assert "should return its result, and yields" in refusal(counts)


@pytest.mark.parametrize(("given", "shown"), [(annotated(), "'function'"), ("new", "'new'")], ids=["bare", "unnamed"])
def test_a_task_without_parentheses_or_with_an_unnamed_option_is_refused(given: Any, shown: str) -> None:
    with pytest.raises(DeclarationError, match=rf"given {shown}: write @task\(\)"):
        task(given)


class Caller:
    def __call__(self, x: int) -> Note:
        return Note(text=str(x))

    @classmethod
    def by_class(cls, x: int) -> Note:
        return Note(text=str(x))


@pytest.mark.parametrize(
    "thing",
    [None, Caller, Caller(), vars(Caller)["by_class"], functools.partial(annotated(), 1)],
    ids=["nothing", "class", "callable-object", "class-method", "partial"],
)
def test_what_is_no_function_is_refused(thing: Any) -> None:
    with pytest.raises(DeclarationError, match="@task should stand before a function, and stands before "):
        task()(thing)


def test_one_name_makes_one_task() -> None:
    task(name="new")(annotated())
    line = refusal(annotated())
    assert "declared twice" in line
    assert line.count(__name__) == 2


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        pytest.param({"max_attempts": 0}, "max_attempts=0: Input should be greater than or equal to 1", id="too-few"),
        pytest.param({"max_attempts": True}, "max_attempts=True", id="boolean"),
        pytest.param({"max_attempts": 1.5}, "max_attempts=1.5", id="fraction"),
        pytest.param({"max_attempts": None}, "max_attempts=None", id="none"),
        pytest.param({"time_limit_ms": -1}, "time_limit_ms=-1", id="negative"),
        pytest.param({"max_backoff_ms": 10**12}, "max_backoff_ms=1000000000000", id="too-long"),
        pytest.param({"max_atempts": 3}, "max_atempts=3", id="unknown"),
        pytest.param({"min_backoff_ms": 9, "max_backoff_ms": 8}, "at most max_backoff_ms", id="order"),
        pytest.param({"queue_name": "two words"}, "two words", id="queue-name"),
        pytest.param({"queue_name": 5}, "queue_name=5", id="queue-name-of-another-type"),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], cause: str) -> None:
    assert cause in refusal(annotated(), **options)


@pytest.mark.parametrize("name", [5, "", "two\nlines"])
def test_a_name_that_is_no_text_is_refused(name: Any) -> None:
    with pytest.raises(DeclarationError, match="should be a text of printable characters"):
        task(name=name)(annotated())


def test_an_unknown_option_is_answered_with_those_there_are() -> None:
    known = "max_attempts, min_backoff_ms, max_backoff_ms, time_limit_ms"
    assert known in refusal(annotated(), max_atempts=3)
