"""What is told of a request while it waits and runs."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contract import EventKind, Sender, TaskEvent, timestamp, write_event
from task import progress
from tests.follower import Follower, kinds
from tests.system import System
from tests.wire import new_user
from transport.bulletin import Bulletin, Report


@pytest.fixture
def follower(system: System) -> Iterator[Follower]:
    with Follower(system.redis_url) as follower:
        yield follower


def test_a_request_is_accepted_started_and_completed_in_this_order(follower: Follower) -> None:
    user_id = new_user()
    follower.request(task_type="reverse_string", user_id=user_id, request_id="r-1", parameters={"text": "abc"})
    accepted, started, completed = follower.life(user_id)
    (outcome,) = follower.outcomes(user_id)
    common = {"task_id": outcome["task_id"], "user_id": user_id, "task_type": "reverse_string", "request_id": "r-1"}
    assert accepted == common | {"event": "accepted", "timestamp": accepted["timestamp"]}
    assert started == common | {"event": "started", "timestamp": started["timestamp"], "attempt": 1}
    assert completed == common | {
        "event": "completed",
        "timestamp": outcome["timestamp"],
        "attempt": 1,
        "duration_ms": outcome["duration_ms"],
    }
    assert accepted["timestamp"] <= started["timestamp"] <= completed["timestamp"]


def test_many_requests_at_once_are_each_told_of_in_order(follower: Follower) -> None:
    users = [new_user() for _ in range(300)]
    for user_id in users:
        follower.request(task_type="reverse_string", user_id=user_id, parameters={"text": user_id})
    for user_id in users:
        assert kinds(follower.life(user_id)) == ["accepted", "started", "completed"]


def test_a_task_that_runs_for_longer_is_told_of_when_it_starts(follower: Follower, tmp_path: Path) -> None:
    user_id, go_on = new_user(), tmp_path / "go on"
    follower.request(task_type="waits_for", user_id=user_id, parameters={"file": str(go_on)})
    assert follower.event(user_id, "started")["attempt"] == 1
    assert kinds(follower.events(user_id)) == ["accepted", "started"]
    go_on.touch()
    assert kinds(follower.life(user_id)) == ["accepted", "started", "completed"]


def test_each_attempt_is_told_of_with_the_reason_for_the_next_one(follower: Follower) -> None:
    user_id = new_user()
    follower.request(task_type="always_fails", user_id=user_id)
    events = follower.life(user_id)
    assert kinds(events) == ["accepted", "started", "retrying", "started", "retrying", "started", "error"]
    assert [event.get("attempt") for event in events] == [None, 1, 1, 2, 2, 3, 3]
    for retrying in (events[2], events[4]):
        assert (retrying["error"], retrying["error_code"]) == ("this never works", "failed")
        assert datetime.fromisoformat(retrying["next_run_at"]) >= datetime.fromisoformat(retrying["timestamp"])
    assert (events[-1]["error"], events[-1]["error_code"]) == ("this never works", "failed")


def test_a_delayed_request_is_accepted_with_the_time_when_it_runs(follower: Follower) -> None:
    user_id, sent = new_user(), datetime.now(UTC)
    follower.request(task_type="weekday", user_id=user_id, delay_ms=200, parameters={"day": "2026-11-24"})
    events = follower.life(user_id)
    assert kinds(events) == ["accepted", "started", "completed"]
    # It is the message that counts in whole ms.
    earliest = sent + timedelta(milliseconds=200 - 1)
    assert earliest <= datetime.fromisoformat(events[0]["next_run_at"])
    assert events[0]["next_run_at"] <= events[1]["timestamp"]


def test_a_refused_request_is_told_of_too(follower: Follower) -> None:
    user_id = new_user()
    follower.request(task_type="make_tea", user_id=user_id)
    (event,) = follower.life(user_id)
    assert (event["event"], event["task_id"]) == ("error", "error")
    assert (event["error"], event["error_code"]) == ("Task type not found: make_tea", "unknown_task")
    assert "attempt" not in event


@pytest.mark.parametrize("task_type", ["make_tea", "reverse_string"])
def test_the_last_event_comes_before_the_outcome(follower: Follower, task_type: str) -> None:
    user_id = new_user()
    follower.request(task_type=task_type, user_id=user_id, parameters={"text": "abc"})
    follower.life(user_id)
    assert [channel for channel, _ in follower.heard(user_id)][-2:] == [b"events", b"results"]


def test_a_repeated_request_is_told_of_once(follower: Follower) -> None:
    user_id = new_user()
    for _ in range(2):
        follower.request(task_type="reverse_string", user_id=user_id, request_id="r", parameters={"text": "abc"})
        follower.life(user_id)
    follower.request(task_type="make_tea", user_id=user_id)
    follower.event(user_id, "error")
    assert kinds(follower.events(user_id)) == ["accepted", "started", "completed", "error"]


@pytest.mark.parametrize("task_type", ["counts_quickly", "counts_quickly_async"])
def test_progress_is_told_of_at_most_ten_times_a_second_and_at_the_end(follower: Follower, task_type: str) -> None:
    user_id = new_user()
    follower.request(task_type=task_type, user_id=user_id, parameters={"steps": 20_000})
    events = follower.life(user_id)
    told = [event for event in events if event["event"] == "progress"]
    assert (told[-1]["done"], told[-1]["total"], told[-1]["message"]) == (20_000, 20_000, "step 20000")
    assert len(told) <= events[-1]["duration_ms"] / 100 + 2
    assert kinds(events)[:2] == ["accepted", "started"]
    assert kinds(events)[-1] == "completed"


def bulletin() -> Bulletin:
    return Bulletin("t-1", Sender("u", "count", "r"), attempt=2)


def events_in(board: Bulletin) -> list[TaskEvent]:
    return [TaskEvent.model_validate_json(event) for event in board.take()]


def test_however_many_reports_there_are_one_round_tells_of_the_last() -> None:
    board = bulletin()
    for done in range(10_000):
        board.report(Report(done, 20_000, None))
    assert board.collect_news()
    (event,) = events_in(board)
    assert (event.event, event.done, event.total, event.attempt) == (EventKind.PROGRESS, 9_999, 20_000, 2)
    assert not board.collect_news()


def test_the_end_of_one_count_is_told_of_though_the_next_one_has_begun() -> None:
    board = bulletin()
    for report in (Report(9, 10, None), Report(10, 10, None), Report(0, 7, None), Report(1, 7, "second half")):
        board.report(report)
    assert board.collect_news()
    assert [event.done for event in events_in(board)] == [10]
    assert board.collect_news()
    assert [(event.done, event.message) for event in events_in(board)] == [(1, "second half")]


def test_the_last_report_is_told_of_before_the_end() -> None:
    board = bulletin()
    board.report(Report(1, 3, None))
    board.add(EventKind.COMPLETED, timestamp())
    assert [event.event for event in events_in(board)] == [EventKind.PROGRESS, EventKind.COMPLETED]


def test_while_redis_is_away_progress_does_not_pile_up() -> None:
    board = bulletin()
    for done in range(100):
        board.report(Report(done, 100, None))
        if board.collect_news():
            board.put_back(board.take())
    assert len(board.take()) <= 2


def test_an_event_has_the_fields_of_its_model_and_no_others() -> None:
    sender = Sender(7, "paint", None)
    written = write_event(EventKind.STARTED, timestamp(), "t-1", sender, attempt=1)
    event = TaskEvent.model_validate_json(written, strict=False)
    assert event.model_dump_json().encode() == written


def test_a_task_that_is_called_by_itself_may_report() -> None:
    progress(1, 2, "half")
    with pytest.raises(ValueError, match="finite"):
        progress(float("nan"), 2)
    with pytest.raises(TypeError, match=r"progress\(1, 2, 5\): the message should be a text or None"):
        progress(1, 2, 5)  # type: ignore[arg-type]


def test_whatever_numbers_a_task_counts_in_they_are_numbers_in_its_events(follower: Follower) -> None:
    user_id = new_user()
    follower.request(task_type="counts_in_odd_numbers", user_id=user_id)
    told = [event for event in follower.life(user_id) if event["event"] == "progress"]
    assert [(event["done"], event["total"]) for event in told] == [(0.5, 1.5)]
    assert all(type(event["done"]) is float for event in told)
