"""The trace context of a request: carried to its outcome, and ignored where it is none."""

from typing import Any

import pytest

from contract import read_request
from tests.samples import PARENT_ID, TRACE_ID, TRACEPARENT, refusal, request_bytes, strict_json
from tests.wire import Wire


@pytest.mark.parametrize("value", [TRACEPARENT, f"01-{TRACE_ID}-{PARENT_ID}-ff-more", f"cc-{TRACE_ID}-{PARENT_ID}-00"])
def test_a_trace_context_is_read(value: str) -> None:
    assert read_request(request_bytes(traceparent=value)).traceparent == value


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "nonsense",
        7,
        [TRACEPARENT],
        {"traceparent": TRACEPARENT},
        TRACEPARENT.upper(),
        f" {TRACEPARENT}",
        f"{TRACEPARENT}\n",
        f"{TRACEPARENT}-more",
        f"ff-{TRACE_ID}-{PARENT_ID}-01",
        f"00-{'0' * 32}-{PARENT_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"01-{TRACE_ID}-{PARENT_ID}-01-{'x' * 200}",
    ],
    ids=lambda value: f"{value!r:.40}",
)
def test_what_is_no_trace_context_is_ignored(value: Any) -> None:
    assert read_request(request_bytes(traceparent=value)).traceparent is None


def test_a_refusal_knows_the_trace_context_of_what_it_refuses() -> None:
    refused = refusal(request_bytes(parameters=5, traceparent=TRACEPARENT))
    assert refused.outcome.traceparent == TRACEPARENT


def test_a_refusal_does_not_repeat_what_is_no_trace_context() -> None:
    refused = refusal(request_bytes(parameters=5, traceparent="nonsense"))
    assert "traceparent" not in strict_json(refused.outcome.to_wire())


@pytest.mark.parametrize("task_type", ["reverse_string", "make_tea"])
def test_the_trace_context_comes_back_with_the_outcome(wire: Wire, task_type: str) -> None:
    assert wire.ask(task_type, {"text": "abc"}, traceparent=TRACEPARENT)["traceparent"] == TRACEPARENT


def test_an_outcome_has_none_where_the_request_had_none(wire: Wire) -> None:
    assert "traceparent" not in wire.ask("reverse_string", {"text": "abc"}, traceparent="nonsense")
