"""What an outcome looks like on the wire, and the keys it is kept under."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import (
    MAX_SENTENCE_CHARACTERS,
    ErrorCode,
    RefusedRequestError,
    Sender,
    TaskOutcome,
    outcome_key,
    request_key,
    sentence,
    task_not_found,
    timestamp,
)
from tests.samples import REFUSAL_FIELDS, strict_json
from tests.strategies import PROPERTY, any_text, json_values, proper_scalars

FIXED_FIELDS = {"user_id", "task_type", "task_id", "status", "timestamp"}


def completed(result: dict[str, Any], **fields: Any) -> TaskOutcome:
    fields = {"user_id": "u", "task_type": "t", "task_id": "id", "timestamp": timestamp()} | fields
    return TaskOutcome(status="completed", result=result, **fields)


def test_a_completed_outcome_has_a_result_and_no_error() -> None:
    outcome = strict_json(completed({"number": 42}).to_wire())
    assert set(outcome) == FIXED_FIELDS | {"result"}
    assert outcome["result"] == {"number": 42}
    assert outcome["status"] == "completed"


def test_an_error_outcome_has_a_sentence_and_a_code_and_no_result() -> None:
    refused = RefusedRequestError(ErrorCode.OVERLOADED, "The queue is full", Sender("u", "t"))
    outcome = strict_json(refused.outcome.to_wire())
    assert set(outcome) == REFUSAL_FIELDS
    assert (outcome["error"], outcome["error_code"]) == ("The queue is full", "overloaded")
    assert (outcome["task_id"], outcome["status"]) == ("error", "error")


def test_user_id_and_task_type_are_null_where_they_could_not_be_read() -> None:
    outcome = strict_json(RefusedRequestError(ErrorCode.INVALID_JSON, "No", Sender()).outcome.to_wire())
    assert set(outcome) == REFUSAL_FIELDS
    assert outcome["user_id"] is outcome["task_type"] is None


def test_what_is_additive_is_there_once_it_is_known() -> None:
    outcome = strict_json(completed({}, request_id="r", attempts=2, duration_ms=1.5).to_wire())
    assert set(outcome) == FIXED_FIELDS | {"result", "request_id", "attempts", "duration_ms"}


@pytest.mark.parametrize("user_id", ["7", 7, -1, 10**1000, "é\n\0"])
def test_a_user_id_keeps_its_json_type(user_id: str | int) -> None:
    echoed = strict_json(completed({}, user_id=user_id).to_wire())["user_id"]
    assert echoed == user_id
    assert type(echoed) is type(user_id)


def test_a_timestamp_is_iso_8601_with_offset() -> None:
    assert datetime.fromisoformat(timestamp()).utcoffset() == timedelta(0)


def test_a_number_that_json_has_not_is_null_in_a_result() -> None:
    result = {"ratio": float("nan"), "all": [float("inf"), -float("inf")]}
    assert strict_json(completed(result).to_wire())["result"] == {"ratio": None, "all": [None, None]}


@PROPERTY
@given(st.dictionaries(st.text(), json_values(proper_scalars | st.floats(), st.text()), max_size=4))
def test_any_other_result_becomes_strict_json(result: dict[str, Any]) -> None:
    assert set(strict_json(completed(result).to_wire())) == FIXED_FIELDS | {"result"}


def test_an_outcome_may_have_a_code_of_a_newer_callboard() -> None:
    fields = {"user_id": "u", "task_type": "t", "task_id": "1", "status": "error", "timestamp": "now"}
    for word in ("timeout", "moon_is_full"):
        assert TaskOutcome.model_validate(fields | {"error_code": word}).error_code == word


def test_each_code_of_the_design_exists() -> None:
    assert set(ErrorCode) == {
        "invalid_json",
        "invalid_request",
        "unknown_task",
        "invalid_parameters",
        "too_large",
        "overloaded",
        "expired",
        "timeout",
        "cancelled",
        "failed",
    }


def test_the_sentence_for_an_unknown_task_is_fixed() -> None:
    assert task_not_found("paint") == "Task type not found: paint"


def test_a_sentence_in_order_stays_as_it_is() -> None:
    assert sentence("Missing 'text' parameter: déjà vu 👍🏽") == "Missing 'text' parameter: déjà vu 👍🏽"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\v", "\f", "\x85", "\u2028"])
def test_a_sentence_is_one_line(line_end: str) -> None:
    assert sentence(f"first{line_end}second") == "first second"


@pytest.mark.parametrize("character", ["\0", "\b", "\x1b", "\x7f", "\x9b"], ids=ascii)
def test_a_sentence_does_not_steer_a_terminal(character: str) -> None:
    assert sentence(f"red:{character}[31m\tnot") == "red:\N{REPLACEMENT CHARACTER}[31m not"


def test_a_long_sentence_is_cut_and_says_so() -> None:
    assert sentence("x" * MAX_SENTENCE_CHARACTERS) == "x" * MAX_SENTENCE_CHARACTERS
    assert sentence("x" * (MAX_SENTENCE_CHARACTERS + 1)) == "x" * (MAX_SENTENCE_CHARACTERS - 1) + "…"


@PROPERTY
@given(any_text)
def test_any_text_makes_a_sentence_that_utf_8_can_hold(text: str) -> None:
    line = sentence(text)
    assert len(line.encode().decode()) <= MAX_SENTENCE_CHARACTERS
    assert len(line.splitlines()) <= 1


def test_an_outcome_is_kept_by_task_id_and_by_request() -> None:
    assert outcome_key("abc") == "callboard:outcome:abc"
    assert request_key("u", "r-1") == 'callboard:outcome:"u":r-1'


def test_user_7_and_user_text_7_keep_their_outcomes_apart() -> None:
    assert request_key(7, "r") != request_key("7", "r")


user_ids = st.text(min_size=1) | st.text('":a1\\', min_size=1) | st.integers()
request_ids = st.text("a1:._-", min_size=1)


@PROPERTY
@given(user_ids, request_ids, user_ids, request_ids)
def test_no_two_requests_share_a_key(one: str | int, first: str, other: str | int, second: str) -> None:
    same = (one, first) == (other, second)
    assert (request_key(one, first) == request_key(other, second)) is same
