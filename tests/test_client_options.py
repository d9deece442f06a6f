"""The options of a client, and what it says of a request or a cancellation that is none, before anything is sent."""

import math
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from pydantic import RedisDsn

from client import CallboardClient, OptionError, TaskError
from client.place import cancellation
from client.request import DEFAULTS, compose, merge
from contract import ErrorCode
from errors import CallboardError, SettingsError
from tests.system import System
from tests.wire import new_user


@pytest.fixture
def callboard(system: System) -> Iterator[CallboardClient]:
    with CallboardClient(system.redis_url, user_id=new_user()) as callboard:
        yield callboard


def test_a_uuid_is_a_request_id_and_a_user_id(callboard: CallboardClient) -> None:
    request_id, user_id = uuid4(), uuid4()
    request = callboard.with_options(request_id=request_id, user_id=user_id).send("reverse_string", text="abc")
    assert (request.user_id, request.request_id) == (str(user_id), str(request_id))
    assert request.result() == {"reversed_text": "cba"}


def test_a_uuid_names_the_request_to_cancel(callboard: CallboardClient) -> None:
    request_id, user_id = uuid4(), uuid4()
    its_user = callboard.with_options(user_id=user_id)
    request = its_user.with_options(request_id=request_id, delay_ms=60_000).send("reverse_string", text="abc")
    its_user.cancel(request_id=request_id, task_id=None)
    assert request.outcome().error_code is ErrorCode.CANCELLED


def test_an_option_that_is_none_has_its_default(system: System) -> None:
    nothing: dict[str, Any] = dict.fromkeys(DEFAULTS._fields)
    with CallboardClient(system.redis_url, **nothing) as callboard:
        request = callboard.send("reverse_string", text="abc")
        assert request.user_id == "python"
        assert request.result(timeout_s=None) == {"reversed_text": "cba"}


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        (None, "NoneType"),
        (b"redis://:hush-hush@host", "bytes"),
        (RedisDsn("redis://:hush-hush@host"), "RedisDsn"),
        ({"url": "redis://:hush-hush@host"}, "dict"),
    ],
)
def test_a_client_says_what_its_redis_should_be_without_repeating_it(place: Any, kind: str) -> None:
    with pytest.raises(
        SettingsError, match=rf"or its RedisSettings, and is of type {kind}; .* pass str\(url\)"
    ) as raised:
        CallboardClient(place)
    assert "hush" not in str(raised.value)


def test_none_takes_an_option_back() -> None:
    assert merge(merge(DEFAULTS, {"delay_ms": 5, "timeout_s": 1.0}), {"delay_ms": None, "timeout_s": None}) == DEFAULTS


@pytest.mark.parametrize("timeout_s", ["3", math.nan, True])
def test_a_timeout_is_a_number_of_seconds(callboard: CallboardClient, timeout_s: Any) -> None:
    with pytest.raises(OptionError, match=f"timeout_s is {timeout_s!r}; it should be a number of seconds"):
        callboard.with_options(timeout_s=timeout_s)
    request = callboard.send("reverse_string", text="abc")
    for wait in (request.result, request.events):
        with pytest.raises(OptionError, match="timeout_s is"):
            wait(timeout_s)


def test_a_timeout_is_no_number_that_no_float_holds() -> None:
    with pytest.raises(OptionError, match=r"timeout_s is more than a float holds; it should be .*, math\.inf to wait"):
        merge(DEFAULTS, {"timeout_s": 10**5000})


@pytest.mark.parametrize("timeout_s", [3, 0.5, -1, math.inf])
def test_any_number_is_a_timeout(timeout_s: float) -> None:
    assert merge(DEFAULTS, {"timeout_s": timeout_s}).timeout_s == timeout_s


@pytest.mark.parametrize("name", ["durable", "events"])
def test_a_switch_is_true_or_false(name: str) -> None:
    with pytest.raises(OptionError, match=f"{name} is 'no'; it should be True or False") as raised:
        merge(DEFAULTS, {name: "no"})  # type: ignore[misc]
    assert isinstance(raised.value, CallboardError)


@pytest.mark.parametrize("value", [math.nan, [1.0, {"deep": math.inf}]])
def test_a_parameter_that_json_has_no_word_for_is_named(value: object) -> None:
    with pytest.raises(TaskError, match="Invalid 'seconds' parameter: JSON has no NaN and no infinity") as raised:
        compose("nap", {"text": "NaN", "seconds": value}, DEFAULTS, None)
    assert raised.value.code is ErrorCode.INVALID_PARAMETERS
    assert raised.value.outcome.task_type == "nap"


def test_a_parameter_that_cannot_be_written_is_named() -> None:
    with pytest.raises(TaskError, match="Invalid 'bad' parameter: it cannot be written as JSON") as raised:
        compose("nap", {"good": 1, "bad": object()}, DEFAULTS, None)
    assert raised.value.code is ErrorCode.INVALID_PARAMETERS


@pytest.mark.parametrize("delay_ms", [math.nan, object()])
def test_an_option_that_cannot_be_written_is_named(delay_ms: Any) -> None:
    with pytest.raises(TaskError, match="Invalid 'delay_ms' field: ") as raised:
        compose("nap", {}, merge(DEFAULTS, {"delay_ms": delay_ms}), None)
    assert raised.value.code is ErrorCode.INVALID_REQUEST


def test_what_is_too_deep_for_json_is_refused() -> None:
    nested: list[object] = []
    for _ in range(250):
        nested = [nested]
    with pytest.raises(TaskError, match="recursion limit"):
        compose("nap", {"text": nested}, DEFAULTS, None)


def test_what_is_no_name_of_a_request_is_not_cancelled() -> None:
    with pytest.raises(OptionError, match="request is no name of a request; there are request_id and task_id"):
        cancellation("ada", request="a")  # type: ignore[call-arg]
    with pytest.raises(TaskError, match="Invalid cancellation: should have task_id or request_id"):
        cancellation("ada")
    with pytest.raises(TaskError, match="Invalid 'user_id': should be a non-empty string"):
        cancellation("", task_id="t")
