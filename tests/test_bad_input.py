"""Each wrong request gets one clear error outcome from the running system, and nothing stops."""

import json
from typing import Any

import pytest

from tests.wire import Wire, new_user

UNREADABLE = {
    "empty": (b"", "invalid_json"),
    "no JSON": (b"hello", "invalid_json"),
    "cut off": (b'{"task_type": "reverse_string", "user_id": "u"', "invalid_json"),
    "two documents": (b"{} {}", "invalid_json"),
    "invalid UTF-8": (b'{"task_type": "reverse_string", "user_id": "\xff\xfe"}', "invalid_json"),
    "100,000 levels of arrays": (b"[" * 100_000 + b"]" * 100_000, "invalid_json"),
    "100,000 levels of objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "invalid_json"),
    "an array": (b'["reverse_string"]', "invalid_request"),
    "a string": (b'"reverse_string"', "invalid_request"),
    "a number": (b"42", "invalid_request"),
    "null": (b"null", "invalid_request"),
    "an empty object": (b"{}", "invalid_request"),
    "50 MB": (b"x" * 50_000_000, "too_large"),
    "just too large": (b" " * (1024 * 1024 + 1), "too_large"),
    "an integer beyond all readers": (b"9" * 5000, "invalid_json"),
}


@pytest.mark.parametrize(("request_bytes", "code"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_answered_to_nobody_in_particular(wire: Wire, request_bytes: bytes, code: str) -> None:
    outcome = wire.only_outcome(request_bytes)
    assert (outcome["status"], outcome["error_code"], outcome["task_id"]) == ("error", code, "error")
    assert outcome["user_id"] is None
    assert outcome["task_type"] is None
    assert_is_one_sentence(outcome["error"])


@pytest.mark.parametrize("user_id", [None, "", True, False, 1.5, 1.0, 0, [], {}, ["u"]], ids=repr)
def test_a_wrong_user_id_is_an_invalid_request(wire: Wire, user_id: object) -> None:
    outcome = wire.only_outcome(as_json({"task_type": "reverse_string", "user_id": user_id, "parameters": {}}))
    assert (outcome["error_code"], outcome["user_id"]) == ("invalid_request", None)
    assert outcome["task_type"] == "reverse_string"
    assert "user_id" in outcome["error"]


def test_a_missing_user_id_is_an_invalid_request(wire: Wire) -> None:
    outcome = wire.only_outcome(as_json({"task_type": "reverse_string", "parameters": {"text": "hello"}}))
    assert (outcome["error_code"], outcome["user_id"]) == ("invalid_request", None)
    assert outcome["error"] == "Missing 'user_id' field"


WRONG_FIELDS: dict[str, dict[str, Any]] = {
    "no task_type": {"task_type": ...},
    "task_type null": {"task_type": None},
    "task_type empty": {"task_type": ""},
    "task_type a number": {"task_type": 7},
    "parameters an array": {"parameters": ["hello"]},
    "parameters a string": {"parameters": "hello"},
    "parameters false": {"parameters": False},
    "request_id empty": {"request_id": ""},
    "request_id too long": {"request_id": "x" * 129},
    "request_id with a space": {"request_id": "a b"},
    "request_id with a newline": {"request_id": "a\n"},
    "request_id a number": {"request_id": 7},
    "reply_to foreign": {"reply_to": "somewhere"},
    "reply_to the tasks channel": {"reply_to": "tasks"},
    "reply_to with a newline": {"reply_to": "results:\n"},
    "reply_to a number": {"reply_to": 7},
    "delay_ms negative": {"delay_ms": -1},
    "delay_ms a fraction": {"delay_ms": 1.5},
    "delay_ms a string": {"delay_ms": "1"},
    "delay_ms a boolean": {"delay_ms": True},
    "delay_ms over a week": {"delay_ms": 10**12},
    "max_age_ms negative": {"max_age_ms": -1},
}


@pytest.mark.parametrize("fields", WRONG_FIELDS.values(), ids=WRONG_FIELDS.keys())
def test_a_wrong_field_is_an_invalid_request_and_is_named(wire: Wire, fields: dict[str, Any]) -> None:
    request = {"task_type": "reverse_string", "user_id": new_user(), "parameters": {"text": "hello"}} | fields
    wire.publish(as_json({name: value for name, value in request.items() if value is not ...}))
    outcome = wire.outcome_of(request["user_id"])
    assert (outcome["error_code"], outcome["task_id"]) == ("invalid_request", "error")
    assert next(iter(fields)) in outcome["error"]
    assert_is_one_sentence(outcome["error"])


WRONG_PARAMETERS: dict[str, tuple[str, dict[str, Any], str]] = {
    "no text": ("reverse_string", {}, "Missing 'text' parameter"),
    "text empty": ("reverse_string", {"text": ""}, "Missing 'text' parameter"),
    "text null": ("reverse_string", {"text": None}, "Missing 'text' parameter"),
    "text a number": ("reverse_string", {"text": 12}, "'text'"),
    "text an array": ("reverse_string", {"text": ["a"]}, "'text'"),
    "text too long": ("reverse_string", {"text": "x" * 100_001}, "'text'"),
    "min above max": ("generate_random_number", {"min_value": 9, "max_value": 3}, "min_value 9"),
    "min above the default max": ("generate_random_number", {"min_value": 101}, "min_value 101"),
    "a boolean bound": ("generate_random_number", {"min_value": True}, "'min_value'"),
    "a fraction as bound": ("generate_random_number", {"max_value": 9.5}, "'max_value'"),
    "a word as bound": ("generate_random_number", {"max_value": "nine"}, "'max_value'"),
    "a fraction in a string": ("generate_random_number", {"max_value": "9.5"}, "'max_value'"),
    "a bound of 1,000 digits": ("generate_random_number", {"max_value": 10**999}, "'max_value'"),
    "1,000 digits in a string": ("generate_random_number", {"max_value": "9" * 1000}, "'max_value'"),
}


@pytest.mark.parametrize(("task_type", "parameters", "says"), WRONG_PARAMETERS.values(), ids=WRONG_PARAMETERS.keys())
def test_wrong_parameters_are_refused_before_there_is_a_task(
    wire: Wire, task_type: str, parameters: dict[str, Any], says: str
) -> None:
    outcome = wire.ask(task_type, parameters, request_id="r-1")
    assert (outcome["error_code"], outcome["task_id"]) == ("invalid_parameters", "error")
    assert outcome["request_id"] == "r-1"
    assert says in outcome["error"]
    assert_is_one_sentence(outcome["error"])


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", '[{"deep": 1e999}]'])
@pytest.mark.parametrize("task_type", ["reverse_string", "generate_random_number", "weekday"])
def test_a_number_that_is_none_is_refused_and_its_sender_told(wire: Wire, task_type: str, number: str) -> None:
    user_id = new_user()
    wire.publish(f'{{"task_type": "{task_type}", "user_id": "{user_id}", "parameters": {{"x": {number}}}}}'.encode())
    assert wire.outcome_of(user_id)["error_code"] in ("invalid_json", "invalid_parameters")


@pytest.mark.parametrize("surrogate", [r"\ud800", r"\udfff", r"\ud83d x"])
def test_a_lone_surrogate_is_refused_and_its_sender_told(wire: Wire, surrogate: str) -> None:
    user_id = new_user()
    request = f'{{"task_type": "reverse_string", "user_id": "{user_id}", "parameters": {{"text": "{surrogate}"}}}}'
    wire.publish(request.encode())
    assert wire.outcome_of(user_id)["error_code"] == "invalid_json"


def test_a_raw_control_character_is_refused_and_its_sender_told(wire: Wire) -> None:
    user_id = new_user()
    wire.publish(f'{{"task_type": "reverse\nstring", "user_id": "{user_id}"}}'.encode())
    assert wire.outcome_of(user_id)["error_code"] == "invalid_json"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_another_encoding_than_plain_utf_8_is_refused_and_its_sender_told(wire: Wire, encoding: str) -> None:
    user_id = new_user()
    request = {"task_type": "reverse_string", "user_id": user_id, "parameters": {"text": "hello"}}
    wire.publish(json.dumps(request).encode(encoding))
    assert wire.outcome_of(user_id)["error_code"] == "invalid_json"


def test_an_unknown_task_type_is_told_by_its_fixed_sentence(wire: Wire) -> None:
    outcome = wire.ask("make_tea")
    assert (outcome["error_code"], outcome["error"]) == ("unknown_task", "Task type not found: make_tea")
    assert outcome["task_type"] == "make_tea"


def test_an_endless_task_type_is_answered_in_one_sentence(wire: Wire) -> None:
    outcome = wire.ask("x" * 500_000)
    assert outcome["error_code"] == "unknown_task"
    assert_is_one_sentence(outcome["error"])


def as_json(request: object) -> bytes:
    return json.dumps(request).encode()


def assert_is_one_sentence(text: str) -> None:
    assert 0 < len(text) <= 500
    assert "\n" not in text
