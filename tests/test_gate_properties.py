"""Whatever comes to the gate, it is admitted or refused with an outcome in order, and what is admitted is a message."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

import actors  # noqa: F401 - declares the tasks
from contract import RefusedRequestError
from ingress.gate import Gate
from setting_sections import Limits
from task import catalogue
from tests.samples import assert_in_order, request_bytes, strict_json
from tests.strategies import PROPERTY, any_json, any_text, damaged, huge_integers

GATE = Gate(catalogue, Limits())

#: Nearly in order: for a task that there is, with parameters of nearly the right kind.
bounds = st.integers() | huge_integers | st.integers().map(str) | any_json
near_requests = st.fixed_dictionaries(
    {
        "task_type": st.sampled_from(["reverse_string", "generate_random_number"]) | any_text,
        "user_id": st.sampled_from(["u", 7]) | any_json,
        "parameters": st.fixed_dictionaries(
            {}, optional={"text": any_text | any_json, "min_value": bounds, "max_value": bounds, "extra": any_json}
        ),
    },
    optional={
        "request_id": st.just("r") | any_json,
        "reply_to": st.just("results:me") | any_json,
        "delay_ms": st.integers(-1, 10) | any_json,
        "max_age_ms": st.integers(-1, 10) | any_json,
    },
)


def admit_or_refuse(data: bytes) -> None:
    try:
        message = GATE.admit(data).message
    except RefusedRequestError as refused:
        assert_in_order(refused)
    else:
        assert strict_json(message.encode())["kwargs"] == message.kwargs


@PROPERTY
@given(damaged(near_requests))
@example(request_bytes())
@example(request_bytes(parameters={"text": "\ud800"}))
def test_a_damaged_request_is_admitted_or_refused(data: bytes) -> None:
    admit_or_refuse(data)


@PROPERTY
@given(near_requests)
def test_a_request_that_is_nearly_in_order_is_admitted_or_refused(request: dict[str, Any]) -> None:
    admit_or_refuse(json.dumps(request).encode())


@PROPERTY
@given(st.binary())
def test_any_bytes_are_admitted_or_refused(data: bytes) -> None:
    admit_or_refuse(data)


@PROPERTY
@given(st.dictionaries(st.text(), any_json, max_size=4))
def test_any_unknown_parameters_change_nothing_or_make_it_invalid_json(extra: dict[str, Any]) -> None:
    try:
        message = GATE.admit(request_bytes(parameters=extra | {"text": "x"})).message
    except RefusedRequestError as refused:
        assert refused.code == "invalid_json"  # noqa: PT017 - a NaN or a lone surrogate among them
    else:
        assert message.kwargs == {"text": "x"}
