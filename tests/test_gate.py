"""What passes the gate becomes a message; everything else is refused, and nothing gets past either."""

from typing import Annotated, Any

import pytest
from dramatiq.common import current_millis
from pydantic import AfterValidator

import actors  # noqa: F401 - declares the tasks
from actors.reverse import ReversedText
from contract import HEAD_BYTES, ErrorCode, RefusedRequestError, Sender
from ingress.gate import Gate
from setting_sections import Limits
from task import catalogue, task
from tests.samples import assert_in_order, request_bytes, undo_declarations  # noqa: F401 - a fixture
from transport.messages import Envelope

GATE = Gate(catalogue, Limits())


def admit(**fields: Any) -> Envelope:
    return GATE.admit(request_bytes(**fields))


def refusal(data: bytes, gate: Gate = GATE) -> RefusedRequestError:
    with pytest.raises(RefusedRequestError) as refused:
        gate.admit(data)
    assert_in_order(refused.value)
    return refused.value


def too_large(reply_to: str) -> RefusedRequestError:
    data = request_bytes(request_id="r", reply_to=reply_to, text="x" * HEAD_BYTES)
    return refusal(data, Gate(catalogue, Limits(request_bytes=HEAD_BYTES)))


def test_a_request_becomes_a_message_for_its_task() -> None:
    message = admit().message
    assert (message.queue_name, message.actor_name) == ("default", "reverse_string")
    assert (message.args, message.kwargs) == ((), {"text": "hello"})


def test_a_message_says_whom_to_answer_and_has_an_id_of_its_own_on_the_queue() -> None:
    first, second = admit(user_id=7).message, admit(user_id=7).message
    assert first.options["callboard"] == {"user_id": 7}
    assert set(first.options) == {"callboard", "redis_message_id"}
    assert first.options["redis_message_id"] != second.options["redis_message_id"]
    assert first.message_id != second.message_id


def test_a_message_carries_what_the_outcome_needs_of_the_request() -> None:
    options = admit(user_id="7", request_id="r", reply_to="results:me", max_age_ms=5).message.options
    assert options["callboard"] == {"user_id": "7", "request_id": "r", "reply_to": "results:me"}
    assert options["max_age"] == 5


def test_parameters_arrive_as_they_were_sent() -> None:
    message = admit(task_type="generate_random_number", parameters={"min_value": " 5 ", "max_value": 7}).message
    assert message.kwargs == {"min_value": " 5 ", "max_value": 7}


def test_an_unknown_parameter_does_not_reach_the_queue() -> None:
    assert admit(parameters={"text": "x", "colour": "red"}).message.kwargs == {"text": "x"}


def test_a_request_of_the_greatest_size_is_admitted() -> None:
    data = request_bytes()
    assert Gate(catalogue, Limits(request_bytes=len(data))).admit(data)


@pytest.mark.parametrize("data", [request_bytes(), b"x" * len(request_bytes())], ids=["request", "not-even-json"])
def test_a_request_over_the_limit_is_too_large_whatever_it_holds(data: bytes) -> None:
    refused = refusal(data, Gate(catalogue, Limits(request_bytes=len(data) - 1)))
    assert refused.code == ErrorCode.TOO_LARGE
    assert f"{len(data)} bytes" in str(refused)
    assert f"at most {len(data) - 1}" in str(refused)


def test_who_sends_too_much_is_told_where_the_request_begins_with_who_it_is() -> None:
    refused = too_large("results:me")
    assert refused.sender == Sender("u", "reverse_string", "r")
    assert refused.reply_to == "results:me"


def test_who_sends_too_much_is_not_told_on_a_channel_that_is_not_allowed() -> None:
    assert too_large("tasks").reply_to is None


def test_half_a_user_id_is_nobody() -> None:
    for digits in (b"7" * HEAD_BYTES, b'"' + b"7" * HEAD_BYTES + b'"'):
        refused = refusal(b'{"user_id": ' + digits + b"}", Gate(catalogue, Limits(request_bytes=HEAD_BYTES)))
        assert refused.sender == Sender()


@pytest.mark.parametrize("name", ["paint", "reverse", "Reverse_String", "reverse_string ", "__class__"])
def test_a_task_that_nobody_declared_is_unknown(name: str) -> None:
    refused = refusal(request_bytes(task_type=name, request_id="r", reply_to="results:me"))
    assert refused.code == ErrorCode.UNKNOWN_TASK
    assert str(refused) == f"Task type not found: {name}"
    assert refused.sender == Sender("u", name, "r")
    assert refused.reply_to == "results:me"


@pytest.mark.parametrize(
    ("task_type", "parameters", "text"),
    [
        ("reverse_string", {}, "Missing 'text' parameter"),
        ("reverse_string", None, "Missing 'text' parameter"),
        ("reverse_string", {"text": None}, "Missing 'text' parameter"),
        ("reverse_string", {"text": ""}, "Missing 'text' parameter"),
        ("reverse_string", {"text": 5}, "Invalid 'text' parameter: Input should be a valid string"),
        ("generate_random_number", {"min_value": True}, "Invalid 'min_value' parameter"),
        ("generate_random_number", {"min_value": 1.0}, "Invalid 'min_value' parameter"),
        ("generate_random_number", {"min_value": 10**1000}, "Invalid 'min_value' parameter"),
        ("generate_random_number", {"min_value": 2, "max_value": 1}, "max_value 1 is below min_value 2"),
    ],
)
def test_parameters_that_the_task_refuses_are_invalid_parameters(
    task_type: str, parameters: dict[str, Any] | None, text: str
) -> None:
    refused = refusal(request_bytes(task_type=task_type, parameters=parameters, request_id="r", reply_to="results:me"))
    assert refused.code == ErrorCode.INVALID_PARAMETERS
    assert text in str(refused)
    assert refused.sender == Sender("u", task_type, "r")
    assert refused.reply_to == "results:me"


def _inverse(number: int) -> int:
    return 1 // number


@pytest.mark.usefixtures("undo_declarations")
def test_a_mistake_in_a_tasks_own_check_of_a_parameter_is_answered_and_stops_nothing() -> None:
    @task()
    def divide(number: Annotated[int, AfterValidator(_inverse)]) -> ReversedText:
        return ReversedText(reversed_text=str(number))

    assert admit(task_type="divide", parameters={"number": 1})
    assert refusal(request_bytes(task_type="divide", parameters={"number": 0})).sender == Sender("u", "divide")


@pytest.mark.parametrize(
    ("patterns", "channel"),
    [
        (("results:*",), "results:"),
        (("results:*",), "results:a/b:c"),
        (("a", "b-?"), "b-1"),
        (("team-[ab]",), "team-a"),
    ],
)
def test_an_answer_may_go_to_a_channel_that_a_pattern_allows(patterns: tuple[str, ...], channel: str) -> None:
    envelope = Gate(catalogue, Limits(reply_to=patterns)).admit(request_bytes(reply_to=channel))
    assert envelope.message.options["callboard"]["reply_to"] == channel


@pytest.mark.parametrize(
    ("patterns", "channel"),
    [
        (("results:*",), "tasks"),
        (("results:*",), "Results:me"),
        (("results:*",), "xresults:me"),
        (("a", "b-?"), "b-12"),
        ((), "results:me"),
    ],
)
def test_a_foreign_channel_is_refused_and_hears_nothing_of_it(patterns: tuple[str, ...], channel: str) -> None:
    refused = refusal(request_bytes(reply_to=channel), Gate(catalogue, Limits(reply_to=patterns)))
    assert refused.code == ErrorCode.INVALID_REQUEST
    assert str(refused).startswith("Invalid 'reply_to' field: ")
    assert refused.reply_to is None
    assert refused.sender == Sender("u", "reverse_string")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(request_bytes(delay_ms=-1, reply_to="results:me"), id="a field"),
        pytest.param(request_bytes(parameters=[], reply_to="results:me"), id="the parameters"),
        pytest.param(request_bytes(task_type=None, reply_to="results:me"), id="the task"),
        pytest.param(b'{"task_type": "t", "user_id": NaN, "reply_to": "results:me"}', id="no JSON"),
        pytest.param(b'{"task_type": "t", "user_id": 1, "reply_to": "results:me", "parameters": {"n": 1e999}}', id="n"),
    ],
)
def test_what_is_no_request_is_answered_where_it_wants_that_if_it_may(data: bytes) -> None:
    assert refusal(data).reply_to == "results:me"
    assert refusal(data, Gate(catalogue, Limits(reply_to=("answers:*",)))).reply_to is None


def test_a_delayed_request_goes_to_the_delay_queue_with_the_time_when_it_is_due() -> None:
    before = current_millis()
    message, delay_ms = admit(delay_ms=5000)
    assert delay_ms == 5000
    assert message.queue_name == "default.DQ"
    assert before + 5000 <= message.options["eta"] <= current_millis() + 5000


@pytest.mark.parametrize("delay_ms", [0, None])
def test_no_delay_is_no_detour(delay_ms: int | None) -> None:
    message, delay = admit(delay_ms=delay_ms)
    assert (message.queue_name, delay) == ("default", None)
    assert "eta" not in message.options


@pytest.mark.parametrize(("max_age_ms", "delay_ms"), [(0, None), (0, 0), (5, 5), (5, 6)])
def test_what_may_never_start_in_time_is_expired_at_once(max_age_ms: int, delay_ms: int | None) -> None:
    refused = refusal(request_bytes(max_age_ms=max_age_ms, delay_ms=delay_ms, reply_to="results:me"))
    assert refused.code == ErrorCode.EXPIRED
    assert refused.reply_to == "results:me"


@pytest.mark.parametrize(("max_age_ms", "delay_ms"), [(1, None), (1, 0), (6, 5)])
def test_what_may_still_start_in_time_is_admitted(max_age_ms: int, delay_ms: int | None) -> None:
    assert admit(max_age_ms=max_age_ms, delay_ms=delay_ms).message.options["max_age"] == max_age_ms
