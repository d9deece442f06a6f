"""The task `generate_random_number`."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.random_number import LARGEST, generate_random_number
from errors import InvalidParametersError
from tests.samples import perform
from tests.strategies import PROPERTY

#: Enough that a number out of three which is never drawn is a number that cannot be.
DRAWS = 200

DIGITS_OF_OTHERS = ("\N{ARABIC-INDIC DIGIT SEVEN}", "\N{FULLWIDTH DIGIT SEVEN}")

int64 = st.integers(-LARGEST - 1, LARGEST)


def complaint(**parameters: Any) -> str:
    with pytest.raises(InvalidParametersError) as refused:
        generate_random_number.check(parameters)
    return str(refused.value)


def test_both_bounds_are_drawn_and_nothing_beyond_them() -> None:
    assert {generate_random_number(1, 3).number for _ in range(DRAWS)} == {1, 2, 3}


def test_without_bounds_it_draws_from_1_to_100() -> None:
    drawn = {generate_random_number().number for _ in range(DRAWS)}
    assert drawn <= set(range(1, 101))
    assert len(drawn) > 1


def test_equal_bounds_leave_one_number() -> None:
    assert generate_random_number(min_value=-5, max_value=-5).number == -5


@PROPERTY
@given(int64, int64)
def test_any_two_bounds_in_order_make_a_number_between_them(one: int, other: int) -> None:
    low, high = sorted((one, other))
    parameters = {"min_value": low, "max_value": high}
    assert generate_random_number.check(parameters) == parameters
    assert low <= generate_random_number(**parameters).number <= high


@PROPERTY
@given(int64, int64)
def test_min_value_above_max_value_is_refused(one: int, other: int) -> None:
    low, high = sorted((one, other))
    if low < high:
        assert f"max_value {low} is below min_value {high}" in complaint(min_value=high, max_value=low)


def test_a_lone_min_value_is_held_against_the_default_of_max_value() -> None:
    assert "below min_value 101" in complaint(min_value=101)
    assert generate_random_number.check({"min_value": 100}) == {"min_value": 100}


@pytest.mark.parametrize("text", ["7", "+7", "007", " 7 ", "7\n"])
def test_a_bound_may_be_a_string_of_an_integer(text: str) -> None:
    assert perform(generate_random_number, min_value=text, max_value=text) == {"number": 7}
    assert generate_random_number.check({"min_value": text, "max_value": 7})["min_value"] == text


def test_strings_are_compared_as_the_integers_they_are() -> None:
    assert generate_random_number.check({"min_value": "9", "max_value": "10"})
    assert "below" in complaint(min_value="10", max_value="9")


@pytest.mark.parametrize(
    "value",
    ["", " ", "7.0", "7e1", "1_0", "0x7", "--7", "seven", *DIGITS_OF_OTHERS, True, False, 7.0, 0.5, [], {}, [7]],
    ids=ascii,
)
def test_what_is_no_integer_and_no_string_of_one_is_refused(value: object) -> None:
    assert complaint(min_value=value) == "Invalid 'min_value' parameter: Input should be a valid integer"
    assert complaint(max_value=value) == "Invalid 'max_value' parameter: Input should be a valid integer"


@pytest.mark.parametrize(
    "value", [10**1000, -(10**1000), LARGEST + 1, -LARGEST - 2, str(LARGEST + 1)], ids=lambda value: f"{value!s:.8}"
)
def test_a_bound_beyond_64_bits_is_refused(value: int | str) -> None:
    assert complaint(min_value=value).startswith("Invalid 'min_value' parameter: Input should be ")


def test_a_string_of_1000_digits_is_refused() -> None:
    assert complaint(max_value="9" * 1000).startswith("Invalid 'max_value' parameter: ")


def test_the_bounds_of_64_bits_are_bounds_still() -> None:
    assert generate_random_number.check({"min_value": -LARGEST - 1, "max_value": LARGEST})
