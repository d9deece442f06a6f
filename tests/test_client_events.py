"""The events of a request as a client hears them, and its cancellation. Progress is told by the test in the place of a
task, so that it comes when the test wants it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from client import AsyncCallboardClient, CallboardClient, NoOutcomeError, TaskError
from client.redis_server import RedisServer
from client.waiter import KEPT
from contract import ErrorCode, EventKind, TaskEvent
from tests.silent_redis import silent
from tests.system import System
from tests.wire import Wire, new_user


@pytest.fixture
def callboard(system: System) -> Iterator[CallboardClient]:
    with CallboardClient(system.redis_url, user_id=new_user()) as callboard:
        yield callboard


def progress(user_id: str | int, request_id: str, done: int) -> str:
    """An event as a task in a worker has it published."""
    event = TaskEvent(
        event=EventKind.PROGRESS,
        task_id="t",
        user_id=user_id,
        task_type="waits",
        timestamp="2026-11-24T10:00:00.000000+00:00",
        request_id=request_id,
        done=done,
        total=10,
    )
    return event.model_dump_json(exclude_none=True)


def test_events_are_heard_up_to_the_last_one(callboard: CallboardClient, wire: Wire, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    request = callboard.with_options(events=True).send("waits_for", file=str(go_on))
    for done in (1, 5):
        wire.client.publish("events", progress(request.user_id, request.request_id, done))
    go_on.touch()
    events = list(request.events())
    assert [event.done for event in events if event.event is EventKind.PROGRESS] == [1, 5]
    assert events[-1].event is EventKind.COMPLETED
    assert request.result() == {"text": "there it is"}


def test_old_progress_is_forgotten_and_nothing_else(callboard: CallboardClient, wire: Wire, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    request = callboard.with_options(events=True).send("waits_for", file=str(go_on))
    next(request.events())
    for done in range(3 * KEPT):
        wire.client.publish("events", progress(request.user_id, request.request_id, done))
    go_on.touch()
    request.result()
    events = list(request.events())
    assert [event.event for event in events if event.event is not EventKind.PROGRESS] == [
        EventKind.ACCEPTED,
        EventKind.STARTED,
        EventKind.COMPLETED,
    ]
    told = [event.done for event in events if event.event is EventKind.PROGRESS]
    assert 0 < len(told) < KEPT
    assert told == list(range(3 * KEPT))[-len(told) :]


def test_events_of_another_request_are_not_heard(callboard: CallboardClient, wire: Wire, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    request = callboard.with_options(events=True, user_id=7).send("waits_for", file=str(go_on))
    wire.client.publish("events", progress("7", request.request_id, 1))
    wire.client.publish("events", progress(7, "another", 1))
    wire.client.publish("events", "this is no event")
    go_on.touch()
    assert EventKind.PROGRESS not in {event.event for event in request.events()}


def test_events_of_a_request_that_is_over_are_its_last_one(callboard: CallboardClient) -> None:
    request = callboard.send("always_fails")
    request.outcome()
    (event,) = request.events()
    assert (event.event, event.error_code, event.attempt) == (EventKind.ERROR, ErrorCode.FAILED, 3)


def test_events_may_be_read_twice(callboard: CallboardClient) -> None:
    request = callboard.with_options(events=True).send("reverse_string", text="abc")
    assert list(request.events()) == list(request.events())


def test_a_refused_request_has_a_last_event_as_well(callboard: CallboardClient) -> None:
    request = callboard.with_options(events=True).send("make_tea")
    assert [event.error_code for event in request.events()] == [ErrorCode.UNKNOWN_TASK]


def test_the_events_go_on_when_a_repeat_of_somebody_else_is_refused(
    callboard: CallboardClient, wire: Wire, tmp_path: Path
) -> None:
    go_on = tmp_path / "go on"
    request = callboard.with_options(events=True).send("waits_for", file=str(go_on))
    wire.publish({"task_type": "make_tea", "user_id": request.user_id, "request_id": request.request_id})
    assert wire.outcome_of(request.user_id)["error_code"] == "unknown_task"
    go_on.touch()
    assert list(request.events())[-1].event is EventKind.COMPLETED


def test_events_of_a_redis_that_says_nothing_are_waited_for_as_long_as_was_said() -> None:
    with RedisServer() as server, CallboardClient(f"{server.url}?socket_timeout=0.5", durable=True) as callboard:
        request = callboard.send("reverse_string", text="abc")
        with silent(server), pytest.raises(NoOutcomeError):
            list(request.events(timeout_s=0))


def test_events_of_a_redis_that_says_nothing_are_waited_for_as_long_in_an_event_loop() -> None:
    async def follow(server: RedisServer) -> None:
        async with AsyncCallboardClient(f"{server.url}?socket_timeout=0.5", durable=True) as callboard:
            request = await callboard.send("reverse_string", text="abc")
            with silent(server):
                async for _ in request.events(timeout_s=0):
                    pass

    with RedisServer() as server, pytest.raises(NoOutcomeError):
        asyncio.run(follow(server))


def test_events_that_take_too_long_are_a_timeout(callboard: CallboardClient, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    request = callboard.with_options(events=True).send("waits_for", file=str(go_on))
    with pytest.raises(NoOutcomeError):
        list(request.events(timeout_s=0.1))
    go_on.touch()
    request.result()


def test_events_are_an_asynchronous_iterator_as_well(system: System, wire: Wire, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"

    async def follow() -> list[TaskEvent]:
        async with AsyncCallboardClient(system.redis_url, events=True) as callboard:
            request = await callboard.send("waits_for", file=str(go_on))
            wire.client.publish("events", progress(request.user_id, request.request_id, 4))
            go_on.touch()
            return [event async for event in request.events()]

    events = asyncio.run(follow())
    assert [event.done for event in events if event.event is EventKind.PROGRESS] == [4]
    assert events[-1].event is EventKind.COMPLETED


def test_the_life_of_a_request_is_told_from_the_beginning(callboard: CallboardClient) -> None:
    request = callboard.with_options(events=True).send("always_fails")
    kinds = [event.event for event in request.events()]
    assert kinds == ["accepted", "started", "retrying", "started", "retrying", "started", "error"]


def test_a_request_that_waits_is_cancelled(callboard: CallboardClient) -> None:
    request = callboard.with_options(delay_ms=60_000).send("reverse_string", text="abc")
    request.cancel()
    with pytest.raises(TaskError) as raised:
        request.result()
    assert raised.value.code is ErrorCode.CANCELLED


def test_a_request_is_cancelled_in_an_event_loop_as_well(system: System) -> None:
    async def cancel() -> None:
        async with AsyncCallboardClient(system.redis_url) as callboard:
            request = await callboard.with_options(delay_ms=60_000).send("reverse_string", text="abc")
            await request.cancel()
            await request.result()

    with pytest.raises(TaskError) as raised:
        asyncio.run(cancel())
    assert raised.value.code is ErrorCode.CANCELLED


def test_a_request_that_another_program_has_sent_is_cancelled_by_its_name(
    system: System, callboard: CallboardClient
) -> None:
    request = callboard.with_options(delay_ms=60_000).send("reverse_string", text="abc")
    with CallboardClient(system.redis_url, user_id=request.user_id) as another:
        another.cancel(request_id=request.request_id)
    assert request.outcome().error_code is ErrorCode.CANCELLED


def test_what_cannot_be_the_name_of_a_request_is_not_cancelled(callboard: CallboardClient) -> None:
    with pytest.raises(TaskError, match="Invalid 'request_id'"):
        callboard.cancel(request_id="not a name")
    with pytest.raises(TaskError, match="task_id or request_id"):
        callboard.cancel()
