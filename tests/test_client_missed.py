"""What a client has not heard, it finds where outcomes are kept. That it looks there when it has lost its connection is
tested with each client."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from redis.exceptions import NoPermissionError

import client.async_listener
import client.listener
from client import AsyncCallboardClient, CallboardClient
from client.connection import BlockingWaiter
from client.desk import Desk
from contract import EventKind
from tests.redis_under_test import open_client
from tests.subscribers import subscribers
from tests.system import System
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


@pytest.fixture
def cable(system: System, wire: Wire) -> Iterator[Cable]:
    with open_client(system.redis_url) as operator:
        yield Cable(operator)


@contextmanager
def loading(pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Redis says twice that it is loading, to whoever looks for what is kept."""
    said: list[str] = []
    answer = pipeline.execute

    def execute(self: Any, *, raise_on_error: bool) -> object:
        (command, *_), _ = self.command_stack[0]
        if command == "GET" and len(said) < 2:
            said.append("LOADING")
            raise redis.BusyLoadingError("Redis is loading the dataset in memory")
        return answer(self, raise_on_error=raise_on_error)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "execute", execute)
        yield said


def test_a_look_that_redis_did_not_answer_is_repeated(
    system: System, cable: Cable, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.listener, "FIRST_PAUSE_S", 2.0)
    with (
        CallboardClient(system.redis_url, user_id=new_user(), timeout_s=NEVER_S) as callboard,
        loading(redis.client.Pipeline, monkeypatch) as said,
    ):
        request = callboard.send("waits", seconds=0.5)
        cable.is_pulled()
        assert wire.outcome_of(request.user_id)["status"] == "completed"
        assert request.result() == {"text": "waited"}
    assert len(said) == 2


def test_a_look_that_redis_did_not_answer_is_repeated_in_an_event_loop(
    system: System, cable: Cable, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.async_listener, "FIRST_PAUSE_S", 2.0)

    async def lose_the_connection() -> object:
        async with AsyncCallboardClient(system.redis_url, user_id=new_user(), timeout_s=NEVER_S) as callboard:
            request = await callboard.send("waits", seconds=0.5)
            cable.is_pulled()
            assert (await asyncio.to_thread(wire.outcome_of, request.user_id))["status"] == "completed"
            return await request.result()

    with loading(redis.asyncio.client.Pipeline, monkeypatch) as said:
        assert asyncio.run(lose_the_connection()) == {"text": "waited"}
    assert len(said) == 2


def test_who_may_not_read_outcomes_is_not_to_ask_again() -> None:
    desk = Desk(BlockingWaiter)
    assert desk.take_kept([None, NoPermissionError("NOPERM this user has no permissions")])
    assert not desk.take_kept([None, redis.ResponseError("MASTERDOWN Link with MASTER is down")])


def test_the_last_event_is_made_of_an_outcome_that_was_not_heard(
    system: System, cable: Cable, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.listener, "FIRST_PAUSE_S", NEVER_S)
    with CallboardClient(system.redis_url, user_id=new_user(), events=True) as callboard:
        request = callboard.send("waits", seconds=0.5)
        events = request.events(timeout_s=3)
        assert next(events).event is EventKind.ACCEPTED
        cable.is_pulled()
        assert wire.outcome_of(request.user_id)["status"] == "completed"
        assert [event.event for event in events][-1] is EventKind.COMPLETED


def test_the_last_event_is_made_of_an_outcome_that_was_not_heard_in_an_event_loop(
    system: System, cable: Cable, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.async_listener, "FIRST_PAUSE_S", NEVER_S)

    async def lose_the_connection() -> EventKind:
        async with AsyncCallboardClient(system.redis_url, user_id=new_user(), events=True) as callboard:
            request = await callboard.send("waits", seconds=0.5)
            events = request.events(timeout_s=3)
            assert (await anext(events)).event is EventKind.ACCEPTED
            cable.is_pulled()
            assert (await asyncio.to_thread(wire.outcome_of, request.user_id))["status"] == "completed"
            return [event.event async for event in events][-1]

    assert asyncio.run(lose_the_connection()) is EventKind.COMPLETED
