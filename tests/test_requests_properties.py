"""Whatever comes, the reader makes a request of it or refuses it with an outcome in order."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from contract import RefusedRequestError, TaskRequest, read_request
from tests.samples import assert_in_order
from tests.strategies import PROPERTY, any_json, damaged, request_like, requests


def read_or_refuse(data: bytes) -> None:
    try:
        assert isinstance(read_request(data), TaskRequest)
    except RefusedRequestError as refused:
        assert_in_order(refused)


@PROPERTY
@given(st.binary())
@example(b"\xef\xbb\xbf")
@example(b"\xff\xfe")
@example(b"-")
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read_or_refuse(data)


@PROPERTY
@given(any_json)
def test_any_json_is_read_or_refused(value: object) -> None:
    read_or_refuse(json.dumps(value).encode())


@PROPERTY
@given(request_like, st.booleans())
def test_any_object_with_the_fields_of_a_request_is_read_or_refused(content: dict[str, Any], escapes: bool) -> None:
    read_or_refuse(json.dumps(content, ensure_ascii=escapes).encode("utf-8", "surrogatepass"))


@PROPERTY
@given(damaged(requests))
def test_a_damaged_request_is_read_or_refused(data: bytes) -> None:
    read_or_refuse(data)


@PROPERTY
@given(requests, st.booleans())
def test_a_valid_request_is_accepted_as_it_was_sent(content: dict[str, Any], escapes: bool) -> None:
    request = read_request(json.dumps(content, ensure_ascii=escapes).encode())
    assert type(request.user_id) is type(content["user_id"])
    expected = content | {"parameters": content.get("parameters") or {}}
    assert request.model_dump(exclude_none=True) == {
        name: value for name, value in expected.items() if name in TaskRequest.model_fields
    }


@PROPERTY
@given(requests)
def test_an_unknown_field_changes_nothing(content: dict[str, Any]) -> None:
    plain = {name: value for name, value in content.items() if name in TaskRequest.model_fields}
    assert read_request(json.dumps(content).encode()) == read_request(json.dumps(plain).encode())
