"""What a task does that no task should: it is answered all the same, and the worker goes on."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.redis_server import RedisServer
from tests.system import TEST_CONFIG, System, copy_project, write_config
from tests.waiting import wait_until
from tests.wire import Wire, new_user

TASKS = Path(__file__).with_name("unruly_tasks.py")

#: As many as the worker has threads, and some.
SOME = 24


@pytest.fixture(scope="module")
def unruly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system whose tasks are unruly."""
    project = copy_project(tmp_path_factory.mktemp("project"), {"unruly.py": TASKS.read_text()})
    # As few as can be, since each is noticed late: a message is begun once more, and no third time.
    write_config(project, worker=TEST_CONFIG["worker"] | {"max_crashes": 2})
    with RedisServer() as server, System(project, server.url) as system:
        system.start("ingress")
        system.start("worker")
        yield system


@pytest.fixture
def wire(unruly: System) -> Iterator[Wire]:
    """A client of it."""
    with Wire(unruly.redis_url) as wire:
        yield wire


def test_a_task_that_fails_at_its_time_limit_is_answered_and_costs_no_thread(unruly: System, wire: Wire) -> None:
    users = [new_user() for _ in range(8 * SOME)]
    for user_id in users:
        wire.publish({"task_type": "fails_at_its_limit", "user_id": user_id})
    assert {wire.outcome_of(user_id)["error_code"] for user_id in users} <= {"failed", "timeout"}
    assert wire.ask("reverse_string", {"text": "abc"})["status"] == "completed"
    assert "An error that nothing has caught" not in unruly.log("worker")


def test_a_task_may_put_anything_into_its_parameters(wire: Wire) -> None:
    outcome = wire.ask("puts_things_into_its_parameter", {"order": {}})
    assert (outcome["error"], outcome["attempts"]) == ("it is not in stock", 3)


def test_an_exception_that_ends_who_prints_it_is_named(wire: Wire) -> None:
    for _ in range(SOME):
        outcome = wire.ask("ends_who_prints_its_error")
        assert (outcome["error_code"], outcome["error"]) == ("failed", "Odd")


def test_a_task_that_skips_its_message_has_failed(wire: Wire) -> None:
    assert wire.ask("skips")["error"] == "The task has skipped its message"


def test_an_error_without_a_text_is_named(wire: Wire) -> None:
    outcome = wire.ask("wants_another_attempt")
    assert (outcome["error"], outcome["attempts"]) == ("Retry", 3)


def test_a_result_that_is_no_object_as_json_has_failed(wire: Wire) -> None:
    outcome = wire.ask("returns_a_list")
    assert outcome["error_code"] == "failed"
    assert "what it does not declare" in outcome["error"]


def test_a_result_that_is_too_large_to_be_sent_has_failed(wire: Wire) -> None:
    outcome = wire.ask("returns_much", {"characters": 17 * 1024 * 1024})
    assert outcome["error_code"] == "failed"
    assert "at most 16777216 are sent" in outcome["error"]


def test_a_result_that_is_too_deep_for_readers_of_json_has_failed(wire: Wire) -> None:
    assert wire.ask("returns_something_deep", {"levels": 150})["status"] == "completed"
    outcome = wire.ask("returns_something_deep", {"levels": 220})
    assert (outcome["error_code"], "nested too deeply" in outcome["error"]) == ("failed", True)


def test_a_result_with_more_digits_than_readers_of_json_take_has_failed(wire: Wire) -> None:
    assert wire.ask("returns_an_integer", {"digits": 4300})["status"] == "completed"
    outcome = wire.ask("returns_an_integer", {"digits": 4301})
    assert (outcome["error_code"], "too many digits" in outcome["error"]) == ("failed", True)


def test_a_task_that_raises_shutdown_itself_has_failed(wire: Wire) -> None:
    outcome = wire.ask("raises_shutdown")
    assert (outcome["error"], outcome["attempts"]) == ("The task wanted to end its worker: Shutdown()", 2)


@pytest.mark.parametrize(("fate", "exit_code"), [("return", 0), ("raise", 1), ("exit", 3)])
def test_a_child_that_comes_out_of_its_task_ends_there(wire: Wire, fate: str, exit_code: int) -> None:
    outcome = wire.ask("forks", {"fate": fate})
    assert (outcome["result"], outcome["attempts"]) == ({"exit_code": exit_code}, 1)


def test_a_default_is_not_judged_as_json(wire: Wire) -> None:
    assert wire.ask("has_a_default_that_json_has_no_word_for")["result"] == {"path": "/a"}
    assert wire.ask("has_defaults_to_be_converted")["result"] == {"a": 2}


def test_an_outcome_that_redis_does_not_take_stops_no_other_one(unruly: System, wire: Wire) -> None:
    user_id = new_user()
    wire.client.config_set("proto-max-bulk-len", "2mb")
    wire.publish({"task_type": "returns_much", "user_id": user_id, "parameters": {"characters": 3 * 1024 * 1024}})
    for _ in range(SOME):
        assert wire.ask("reverse_string", {"text": "abc"})["status"] == "completed"
    wire.client.config_set("proto-max-bulk-len", "512mb")
    assert wire.outcome_of(user_id)["status"] == "completed"


def test_an_async_task_that_exits_ends_no_other_one(wire: Wire, tmp_path: Path) -> None:
    user_id, go_on = new_user(), tmp_path / "go on"
    wire.publish({"task_type": "waits_in_the_loop", "user_id": user_id, "parameters": {"file": str(go_on)}})
    outcome = wire.ask("wants_to_exit")
    assert (outcome["error_code"], outcome["error"]) == ("failed", "The task wanted to end its process: SystemExit(3)")
    go_on.touch()
    assert wire.outcome_of(user_id)["status"] == "completed"


def test_a_process_that_a_task_has_forked_ends_when_it_is_told_to(wire: Wire) -> None:
    for _ in range(SOME):
        assert wire.ask("ends_its_child")["result"] == {"exit_code": -signal.SIGTERM}


def test_a_parameter_may_have_any_name(wire: Wire) -> None:
    assert wire.ask("has_names_that_others_have", {"function": "sin"})["result"] == {"function": "sin"}


def test_what_is_strict_in_json_is_strict_in_json_for_the_worker_too(wire: Wire) -> None:
    assert wire.ask("wants_a_date", {"day": "2026-12-24"})["result"] == {"year": 2026}


@pytest.mark.timeout(90)
def test_a_task_that_holds_pythons_lock_is_begun_by_another_worker_and_answered_once(
    unruly: System, wire: Wire, tmp_path: Path
) -> None:
    user_id, go_on = new_user(), tmp_path / "go on"
    unruly.start("worker", as_="other")

    def is_said(text: str) -> bool:
        return text in unruly.log("worker") + unruly.log("other")

    wire.publish({"task_type": "holds_pythons_lock", "user_id": user_id, "parameters": {"until": str(go_on)}})
    wait_until(lambda: is_said("this task is begun once more: holds_pythons_lock"), "another one has it", 30)
    go_on.touch()
    assert wire.outcome_of(user_id)["status"] == "completed"
    wait_until(lambda: is_said("This worker gave no sign of life for"), "the first one says what has happened", 30)
    unruly.stop("other")
    wire.ask("reverse_string", {"text": "abc"})
    assert [outcome for outcome in wire.heard if outcome["user_id"] == user_id] == []


def test_a_process_that_has_lost_a_thread_is_replaced(unruly: System, wire: Wire) -> None:
    assert wire.ask("ends_its_thread")["status"] == "completed"
    wait_until(lambda: "another one starts" in unruly.log("worker"), "the supervisor replaces the process")
    assert wire.ask("reverse_string", {"text": "abc"})["status"] == "completed"


@pytest.mark.timeout(150)
def test_a_task_that_ends_the_event_loop_is_one_that_kills_its_worker(unruly: System, wire: Wire) -> None:
    user_id = new_user()
    wire.publish({"task_type": "has_a_child_that_exits", "user_id": user_id})
    # Each of the deaths is noticed within 10 s, and followed by a start.
    outcome = wire.outcome_of(user_id, 100)
    assert (outcome["error_code"], outcome["error"]) == ("failed", "Its worker died each time that it was tried")
