"""What a client has not heard, it finds where outcomes are kept. That it looks there when it has lost its connection is
tested with each client."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.exceptions import NoPermissionError

import client.async_listener
import client.listener
from client import AsyncCallboardClient, CallboardClient
from client.async_listener import AsyncListener
from client.connection import BlockingWaiter
from client.desk import PAGE, REMEMBERED, Desk, pages
from client.listener import Listener
from contract import ErrorCode, EventKind, RefusedRequestError, Sender
from tests.looks import looks
from tests.redis_under_test import open_client
from tests.subscribers import subscribers
from tests.system import System
from tests.waiting import DEADLINE_S
from tests.wire import Wire, new_user

#: Longer than a test may take: whatever is found is not found because this is over.
NEVER_S = 3600.0


class Cable:
    """To the client that connects while it is there; the connection on which that hears may be lost."""

    def __init__(self, operator: "redis.Redis") -> None:
        self._operator = operator
        self._others = subscribers(operator)

    def is_pulled(self) -> None:
        """Redis ends the connection."""
        for own in subscribers(self._operator) - self._others:
            self._operator.client_kill_filter(_id=own)

    def connections(self) -> set[str]:
        """The ids of all that Redis has now."""
        return {connection["id"] for connection in self._operator.client_list()}


@pytest.fixture
def cable(system: System, wire: Wire) -> Iterator[Cable]:
    with open_client(system.redis_url) as operator:
        yield Cable(operator)


def test_a_look_that_redis_did_not_answer_is_repeated(
    system: System, cable: Cable, wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    go_on, published, subscribe = tmp_path / "go on", threading.Event(), vars(Listener)["_subscribe"]

    def subscribe_once_it_is_published(listener: Listener) -> None:
        published.wait(DEADLINE_S)
        subscribe(listener)

    with CallboardClient(system.redis_url, listen_on="results", user_id=new_user(), timeout_s=NEVER_S) as callboard:
        # Once it has heard, its first look is over.
        wire.outcome_of(callboard.send("reverse_string", text="abc").outcome().user_id)
        monkeypatch.setattr(Listener, "_subscribe", subscribe_once_it_is_published)
        with looks(monkeypatch, failures=2) as looked:
            request = callboard.send("waits_for", file=str(go_on))
            cable.is_pulled()
            go_on.touch()
            assert wire.outcome_of(request.user_id)["status"] == "completed"
            published.set()
            assert request.result() == {"text": "there it is"}
            assert len(looked) == 3


def test_a_look_that_redis_did_not_answer_is_repeated_in_an_event_loop(
    system: System, cable: Cable, wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    go_on, published, subscribe = tmp_path / "go on", asyncio.Event(), vars(AsyncListener)["_subscribe"]

    async def subscribe_once_it_is_published(listener: AsyncListener) -> None:
        await published.wait()
        await subscribe(listener)

    async def lose_the_connection() -> None:
        async with AsyncCallboardClient(
            system.redis_url, listen_on="results", user_id=new_user(), timeout_s=NEVER_S
        ) as callboard:
            heard = await (await callboard.send("reverse_string", text="abc")).outcome()
            await asyncio.to_thread(wire.outcome_of, heard.user_id)
            monkeypatch.setattr(AsyncListener, "_subscribe", subscribe_once_it_is_published)
            with looks(monkeypatch, redis.asyncio.client.Pipeline, failures=2) as looked:
                request = await callboard.send("waits_for", file=str(go_on))
                cable.is_pulled()
                go_on.touch()
                assert (await asyncio.to_thread(wire.outcome_of, request.user_id))["status"] == "completed"
                published.set()
                assert await request.result() == {"text": "there it is"}
                assert len(looked) == 3

    asyncio.run(lose_the_connection())


def test_many_who_time_out_together_look_over_the_connection_that_is_there(
    system: System, cable: Cable, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.async_listener, "FIRST_PAUSE_S", NEVER_S)
    number = 150

    async def lose_the_connection() -> None:
        async with AsyncCallboardClient(system.redis_url, listen_on="results", user_id=new_user()) as callboard:
            later = callboard.with_options(delay_ms=500)
            sent = [await later.send("reverse_string", text="abc") for _ in range(number)]
            cable.is_pulled()
            for request in sent:
                await asyncio.to_thread(wire.outcome_of, request.user_id)
            before = cable.connections()
            results = await asyncio.gather(*(request.result(timeout_s=0) for request in sent))
            assert results == [{"reversed_text": "cba"}] * number
            # Of the system's own, some may be new.
            assert len(cable.connections() - before) < number / 10

    asyncio.run(lose_the_connection())


def test_who_may_not_read_outcomes_is_not_to_ask_again() -> None:
    desk = Desk(BlockingWaiter)
    assert desk.take_kept([None, NoPermissionError("NOPERM this user has no permissions")])
    assert not desk.take_kept([None, redis.ResponseError("MASTERDOWN Link with MASTER is down")])


def test_the_refusal_of_a_request_that_was_corrected_since_is_not_its_outcome() -> None:
    desk = Desk(BlockingWaiter)
    refusal = RefusedRequestError(ErrorCode.UNKNOWN_TASK, "no", Sender("ada", "x", "r-1")).outcome.to_wire()
    refused = desk.enter(("ada", "r-1"))
    desk.take_kept([refusal])
    assert refused.ending().error_code is ErrorCode.UNKNOWN_TASK
    corrected = desk.enter(("ada", "r-1"))
    desk.take_kept([refusal])
    assert not corrected.is_over
    desk.take_kept([RefusedRequestError(ErrorCode.EXPIRED, "no", Sender("ada", "x", "r-1")).outcome.to_wire()])
    assert corrected.ending().error_code is ErrorCode.EXPIRED


def test_only_so_many_refusals_are_remembered() -> None:
    desk = Desk(BlockingWaiter)
    refusals = {
        f"r-{number}": RefusedRequestError(ErrorCode.UNKNOWN_TASK, "no", Sender("ada", "x", f"r-{number}")).outcome
        for number in range(REMEMBERED + 1)
    }
    for request_id, refusal in refusals.items():
        desk.take_old(("ada", request_id), refusal.to_wire())
    remembered, forgotten = desk.enter(("ada", "r-1")), desk.enter(("ada", "r-0"))
    desk.take_kept([refusals[request_id].to_wire() for request_id in ("r-1", "r-0")])
    assert (remembered.is_over, forgotten.is_over) == (False, True)


def test_all_who_wait_are_looked_for_page_by_page() -> None:
    desk = Desk(BlockingWaiter)
    waiters = [desk.enter(("ada", f"r-{number}")) for number in range(2 * PAGE + 1)]
    found = list(pages(waiters))
    assert [len(page) for page in found] == [PAGE, PAGE, 1]
    assert [waiter for page in found for waiter in page] == waiters


def test_the_last_event_is_made_of_an_outcome_that_was_not_heard(
    system: System, cable: Cable, wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    go_on = tmp_path / "go on"
    monkeypatch.setattr(client.listener, "FIRST_PAUSE_S", NEVER_S)
    with CallboardClient(system.redis_url, listen_on="results", user_id=new_user(), events=True) as callboard:
        request = callboard.send("waits_for", file=str(go_on))
        events = request.events(timeout_s=3)
        assert next(events).event is EventKind.ACCEPTED
        cable.is_pulled()
        go_on.touch()
        assert wire.outcome_of(request.user_id)["status"] == "completed"
        assert [event.event for event in events][-1] is EventKind.COMPLETED


def test_the_last_event_is_made_of_an_outcome_that_was_not_heard_in_an_event_loop(
    system: System, cable: Cable, wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    go_on = tmp_path / "go on"
    monkeypatch.setattr(client.async_listener, "FIRST_PAUSE_S", NEVER_S)

    async def lose_the_connection() -> EventKind:
        async with AsyncCallboardClient(
            system.redis_url, listen_on="results", user_id=new_user(), events=True
        ) as callboard:
            request = await callboard.send("waits_for", file=str(go_on))
            events = request.events(timeout_s=3)
            assert (await anext(events)).event is EventKind.ACCEPTED
            cable.is_pulled()
            go_on.touch()
            assert (await asyncio.to_thread(wire.outcome_of, request.user_id))["status"] == "completed"
            return [event.event async for event in events][-1]

    assert asyncio.run(lose_the_connection()) is EventKind.COMPLETED
