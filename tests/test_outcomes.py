"""What a client of the wire gets for its requests, from the running system."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.system import System
from tests.wire import Wire, new_user


def test_a_request_comes_back_as_an_outcome(wire: Wire) -> None:
    outcome = wire.ask("reverse_string", {"text": "hello"}, user_id="ada")
    assert outcome.pop("duration_ms") >= 0
    assert datetime.fromisoformat(outcome.pop("timestamp")).utcoffset() is not None
    assert outcome.pop("task_id") != "error"
    assert outcome == {
        "user_id": "ada",
        "task_type": "reverse_string",
        "status": "completed",
        "result": {"reversed_text": "olleh"},
        "attempts": 1,
    }


@pytest.mark.parametrize("user_id", ["42", 42, -1, 10**30, " ", "Ada 👩🏽‍🚀", '"quoted"\n'], ids=repr)
def test_the_user_id_comes_back_with_its_type(wire: Wire, user_id: str | int) -> None:
    outcome = wire.ask("reverse_string", {"text": "x"}, user_id=user_id)
    assert type(outcome["user_id"]) is type(user_id)


@pytest.mark.parametrize(
    ("bounds", "lowest", "highest"),
    [({}, 1, 100), ({"min_value": 5, "max_value": 5}, 5, 5), ({"min_value": "-3", "max_value": " 3 "}, -3, 3)],
    ids=["the defaults", "both included", "strings of integers"],
)
def test_a_random_number_lies_within_its_bounds(wire: Wire, bounds: dict[str, Any], lowest: int, highest: int) -> None:
    assert lowest <= wire.ask("generate_random_number", bounds)["result"]["number"] <= highest


def test_null_parameters_and_no_parameters_are_none_at_all(wire: Wire) -> None:
    assert wire.ask("generate_random_number", parameters=None)["status"] == "completed"
    user_id = new_user()
    wire.publish({"task_type": "generate_random_number", "user_id": user_id})
    assert wire.outcome_of(user_id)["status"] == "completed"


def test_unknown_fields_and_parameters_are_ignored(wire: Wire) -> None:
    outcome = wire.ask("reverse_string", {"text": "abc", "colour": "blue"}, priority=9, traceparent="nonsense")
    assert outcome["result"] == {"reversed_text": "cba"}


def test_user_perceived_characters_stay_whole(wire: Wire) -> None:
    outcome = wire.ask("reverse_string", {"text": "a👍🏽e\u0301🇩🇪"})
    assert outcome["result"] == {"reversed_text": "🇩🇪e\u0301👍🏽a"}


def test_the_longest_text_passes(wire: Wire) -> None:
    outcome = wire.ask("reverse_string", {"text": "ab" * 50_000})
    assert outcome["result"] == {"reversed_text": "ba" * 50_000}


def test_an_outcome_goes_to_the_reply_channel_as_well(system: System, wire: Wire) -> None:
    with Wire(system.redis_url, results="results:mine") as mine:
        asked = wire.ask("reverse_string", {"text": "abc"}, reply_to="results:mine")
        assert mine.outcome_of(asked["user_id"]) == asked


def test_a_refusal_goes_to_the_reply_channel_as_well(system: System, wire: Wire) -> None:
    with Wire(system.redis_url, results="results:mine") as mine:
        asked = wire.ask("make_tea", reply_to="results:mine")
        assert mine.outcome_of(asked["user_id"]) == asked


def test_an_outcome_is_kept_by_task_and_by_request(wire: Wire) -> None:
    outcome = wire.ask("reverse_string", {"text": "abc"}, user_id=7, request_id="order:1")
    kept = {f"callboard:outcome:{outcome['task_id']}": 3600, "callboard:outcome:7:order:1": 24 * 3600}
    for key, ttl_s in kept.items():
        assert json.loads(wire.client.get(key) or b"") == outcome
        assert ttl_s - 60 < wire.client.ttl(key) <= ttl_s


def test_a_refusal_is_kept_by_its_request_id(wire: Wire) -> None:
    outcome = wire.ask("make_tea", user_id="7", request_id="order:1")
    assert json.loads(wire.client.get('callboard:outcome:"7":order:1') or b"") == outcome


def test_a_delayed_request_waits_its_time(wire: Wire) -> None:
    outcome = wire.ask("weekday", {"day": "2026-11-23"}, delay_ms=150, request_id="later")
    assert outcome["result"] == {"weekday": 1}


def test_what_cannot_start_in_time_expires_at_once(wire: Wire) -> None:
    outcome = wire.ask("reverse_string", {"text": "abc"}, delay_ms=500, max_age_ms=500)
    assert (outcome["error_code"], outcome["task_id"]) == ("expired", "error")


def test_a_failure_is_told_once_after_the_last_attempt(wire: Wire) -> None:
    outcome = wire.ask("always_fails")
    assert (outcome["error_code"], outcome["error"]) == ("failed", "this never works")
    assert outcome["attempts"] == 3
    wire.ask("reverse_string", {"text": "and nothing more is heard of it"})
    assert wire.heard == []


def test_a_task_that_works_in_the_end_gives_its_result(wire: Wire, tmp_path: Path) -> None:
    outcome = wire.ask("fails_until", {"attempt": 4, "tally": str(tmp_path / "tally")})
    assert (outcome["result"], outcome["attempts"]) == ({"text": "attempt 4"}, 4)


def test_a_wrong_request_that_a_task_finds_is_not_tried_again(wire: Wire) -> None:
    outcome = wire.ask("finds_fault")
    assert (outcome["error_code"], outcome["error"]) == ("invalid_parameters", "there is no such order")
    assert outcome["attempts"] == 1


@pytest.mark.parametrize("task_type", ["never_ends", "never_ends_async"])
def test_a_task_that_runs_past_its_limit_times_out(wire: Wire, task_type: str) -> None:
    outcome = wire.ask(task_type)
    assert (outcome["error_code"], outcome["attempts"]) == ("timeout", 1)


def test_an_async_task_that_tidies_up_at_length_has_timed_out_all_the_same(wire: Wire, tmp_path: Path) -> None:
    tidied = tmp_path / "tidied"
    outcome = wire.ask("tidies_up_at_length", {"until": str(tidied)})
    tidied.touch()
    assert (outcome["error_code"], outcome["attempts"]) == ("timeout", 1)


def test_an_async_task_is_awaited(wire: Wire) -> None:
    assert wire.ask("waits", {"seconds": 0.01})["result"] == {"text": "waited"}


def test_a_result_that_breaks_its_model_fails(wire: Wire) -> None:
    outcome = wire.ask("breaks_its_word")
    assert outcome["error_code"] == "failed"
    assert outcome["error"] == "The task returned what it does not declare: text: Field required"


def test_a_result_never_holds_what_json_has_not(wire: Wire) -> None:
    assert wire.ask("measures_nothing")["result"] == {"ratio": None}


def test_a_result_that_json_cannot_hold_fails(wire: Wire) -> None:
    outcome = wire.ask("reads_a_strange_name")
    assert (outcome["error_code"], outcome["attempts"]) == ("failed", 1)
    assert "The result cannot be sent" in outcome["error"]


def test_an_exception_that_cannot_be_printed_is_named(wire: Wire) -> None:
    assert wire.ask("raises_unprintable")["error"] == "Unprintable"


def test_a_thousand_requests_at_once_are_all_answered(wire: Wire) -> None:
    users = [new_user() for _ in range(1000)]
    for user_id in users:
        wire.publish({"task_type": "reverse_string", "user_id": user_id, "parameters": {"text": user_id}})
    for user_id in users:
        assert wire.outcome_of(user_id)["result"] == {"reversed_text": user_id[::-1]}
