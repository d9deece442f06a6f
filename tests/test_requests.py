"""What the reader of requests accepts, and how it refuses everything else: the tables of the design."""

import json
from typing import Any

import pytest

from contract import MAX_DELAY_MS, ErrorCode, Sender, read_request
from contract.request import SMALL_BYTES
from tests.samples import TRACEPARENT, refusal, request_bytes, without


def test_a_request_needs_no_more_than_a_task_type_and_a_user_id() -> None:
    request = read_request(b'{"task_type": "t", "user_id": "u"}')
    assert request.model_dump(exclude_none=True) == {"task_type": "t", "user_id": "u", "parameters": {}}


@pytest.mark.parametrize("user_id", ["u", "0", "7", 7, -1, 10**1000, " ", "é"], ids=repr)
def test_a_user_id_is_a_non_empty_string_or_a_non_zero_integer_and_keeps_its_type(user_id: str | int) -> None:
    read = read_request(request_bytes(user_id=user_id)).user_id
    assert read == user_id
    assert type(read) is type(user_id)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("parameters", {"deep": [{"er": None}], "empty": ""}),
        ("request_id", "A-z.0_9:"),
        ("request_id", "x" * 128),
        ("reply_to", "results:me"),
        ("reply_to", "!" * 200),
        ("delay_ms", 0),
        ("delay_ms", MAX_DELAY_MS),
        ("max_age_ms", 0),
        ("max_age_ms", 10**30),
    ],
)
def test_an_optional_field_is_read_as_it_was_sent(field: str, value: Any) -> None:
    assert getattr(read_request(request_bytes(**{field: value})), field) == value


@pytest.mark.parametrize("field", ["parameters", "request_id", "reply_to", "delay_ms", "max_age_ms"])
def test_null_reads_as_an_optional_field_that_is_absent(field: str) -> None:
    absent = getattr(read_request(b'{"task_type": "t", "user_id": "u"}'), field)
    assert getattr(read_request(request_bytes(**{field: None})), field) == absent


@pytest.mark.parametrize("fields", [{"extra": [1]}, {"userId": 5}, {"traceparent": TRACEPARENT}], ids=str)
def test_a_field_that_is_unknown_here_is_ignored(fields: dict[str, Any]) -> None:
    assert read_request(request_bytes(**fields)).parameters == {"text": "hello"}


@pytest.mark.parametrize("data", [b" \r\n\t%s\n ", b"%s"], ids=["space-around", "none"])
def test_space_around_the_json_is_no_obstacle(data: bytes) -> None:
    assert read_request(data % request_bytes()).user_id == "u"


def test_a_request_may_be_nested_201_levels_deep() -> None:
    def nested(levels: int) -> bytes:
        return request_bytes(parameters={"deep": "DEEP"}).replace(b'"DEEP"', b"[" * (levels - 2) + b"]" * (levels - 2))

    assert read_request(nested(201)).user_id == "u"
    assert refusal(nested(202)).code == ErrorCode.INVALID_JSON


NOT_JSON = [
    pytest.param(b"", id="empty"),
    pytest.param(b"hello", id="text"),
    pytest.param(b"{'user_id': 1}", id="single-quotes"),
    pytest.param(request_bytes()[:-1], id="cut-off"),
    pytest.param(request_bytes() + b"x", id="something-after"),
    pytest.param(request_bytes() + b"\0", id="zero-byte-after"),
    pytest.param(request_bytes() * 2, id="twice"),
    pytest.param(b"\xff\xfe\xfd", id="invalid-utf-8"),
    pytest.param(request_bytes(task_type="TYPE").replace(b"TYPE", b"\xc3\x28"), id="invalid-utf-8-in-text"),
    pytest.param(b'{"a":' * 100_000, id="deep-objects"),
    pytest.param(b"[" * 100_000 + b"]" * 100_000, id="deep-arrays"),
    pytest.param(b'{"task_type": "t", "user_id": %s}' % (b"9" * 5000), id="5000-digits"),
    pytest.param(b"NaN", id="nan-alone"),
]


@pytest.mark.parametrize("data", NOT_JSON)
def test_what_is_not_json_is_invalid_json(data: bytes) -> None:
    refused = refusal(data)
    assert refused.code == ErrorCode.INVALID_JSON
    assert str(refused).startswith("Invalid JSON: ")


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999"])
@pytest.mark.parametrize("parameters", [b"%s", b"[%s]", b'{"deep": [[%s]]}', b'["' + b"x" * SMALL_BYTES + b'", %s]'])
def test_a_number_that_json_has_not_is_invalid_json_and_its_sender_is_answered(
    number: bytes, parameters: bytes
) -> None:
    text = b'{"task_type": "t", "user_id": 7, "request_id": "r", "parameters": {"x": %s}}'
    refused = refusal(text % (parameters % number))
    assert refused.code == ErrorCode.INVALID_JSON
    assert refused.sender == Sender(7, "t", "r")


@pytest.mark.parametrize("words", ["Infinity", "-Infinity", "NaN", "1e999", "I" * SMALL_BYTES])
def test_the_same_as_text_is_only_text(words: str) -> None:
    assert read_request(request_bytes(parameters={words: words, "x": [words]})).parameters[words] == words


@pytest.mark.parametrize("surrogate", ["\ud800", "\udc00\ud800"], ids=["one", "a-pair-turned-round"])
def test_a_lone_surrogate_is_invalid_json_and_its_sender_is_answered(surrogate: str) -> None:
    refused = refusal(request_bytes(user_id=7, parameters={"text": surrogate}))
    assert refused.code == ErrorCode.INVALID_JSON
    assert refused.sender == Sender(7, "reverse_string")


def test_a_lone_surrogate_in_what_an_outcome_repeats_is_left_out_of_it() -> None:
    refused = refusal(request_bytes(user_id="\ud800", request_id="r"))
    assert refused.sender == Sender(None, "reverse_string", "r")


def test_surrogates_that_make_a_pair_are_the_character_they_stand_for() -> None:
    assert read_request(request_bytes(parameters={"text": "👍"})).parameters == {"text": "👍"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_named_and_its_sender_is_answered(encoding: str) -> None:
    refused = refusal(request_bytes(request_id="r").decode().encode(encoding))
    assert refused.code == ErrorCode.INVALID_JSON
    assert "byte order mark" in str(refused)
    assert refused.sender == Sender("u", "reverse_string", "r")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_utf_16_without_a_mark_is_invalid_json(encoding: str) -> None:
    refused = refusal(request_bytes().decode().encode(encoding))
    assert refused.code == ErrorCode.INVALID_JSON
    assert refused.sender.user_id == "u"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"[]", "array"),
        (b'"x"', "string"),
        (b"5", "number"),
        (b"0.5", "number"),
        (b"true", "boolean"),
        (b"null", "null"),
    ],
)
def test_json_that_is_no_object_is_no_request(data: bytes, kind: str) -> None:
    refused = refusal(data)
    assert refused.code == ErrorCode.INVALID_REQUEST
    assert str(refused) == f"A request should be a JSON object, this is a JSON {kind}"
    assert refused.sender == Sender()


@pytest.mark.parametrize("field", ["task_type", "user_id"])
def test_a_required_field_that_is_missing_is_named(field: str) -> None:
    refused = refusal(without(field))
    assert refused.code == ErrorCode.INVALID_REQUEST
    assert str(refused) == f"Missing '{field}' field"
    assert getattr(refused.sender, field) is None


WRONG_FIELDS: dict[str, list[object]] = {
    "task_type": ["", None, 5, True, [], {}],
    "user_id": ["", None, 0, -0.0, 1.5, 1.0, True, False, [], {}, ["u"]],
    "parameters": [[], "text", 5, True, [["text", "x"]]],
    "request_id": ["", "a b", "a\n", "é", "x" * 129, 5, True, []],
    "reply_to": ["", "a b", "a\n", "é", "x" * 201, 5, []],
    "delay_ms": [-1, 1.0, "5", True, [], MAX_DELAY_MS + 1, 10**1000],
    "max_age_ms": [-1, 1.0, "5", True, []],
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param(field, value, id=f"{field}-{value!a:.16}")
        for field, values in WRONG_FIELDS.items()
        for value in values
    ],
)
def test_a_field_of_the_wrong_type_or_form_is_named_and_its_sender_is_answered(field: str, value: object) -> None:
    request = {"user_id": 7, "task_type": "t", "request_id": "r"} | {field: value}
    refused = refusal(json.dumps(request).encode())
    assert refused.code == ErrorCode.INVALID_REQUEST
    assert str(refused).startswith(f"Invalid '{field}' field: ")
    readable = Sender(7, "t", "r")
    assert refused.sender == (readable._replace(**{field: None}) if field in Sender._fields else readable)


def test_a_field_that_comes_twice_counts_as_it_came_last() -> None:
    assert read_request(b'{"task_type": "t", "user_id": 1, "user_id": 2}').user_id == 2
