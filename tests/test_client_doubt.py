"""A client that is refused where it does not hear it, and what it finds meanwhile that is not its own."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from redis.exceptions import NoPermissionError

import client.doubt
from client import AsyncCallboardClient, CallboardClient, NoOutcomeError, SentRequest, TaskError
from client.async_connection import AsyncConnection
from client.connection import BlockingWaiter, Connection
from client.desk import Desk
from client.doubt import Doubt
from client.place import Place
from client.redis_server import RedisServer
from contract import ErrorCode
from tests.looks import looks
from tests.system import System
from tests.waiting import DEADLINE_S, wait_until
from tests.wire import Wire, new_user

#: Longer than a test may take: whatever is found is not found because this is over.
NEVER_S = 3600.0


def test_a_channel_that_is_not_allowed_is_told_soon(system: System, wire: Wire) -> None:
    with CallboardClient(system.redis_url, listen_on="elsewhere", user_id=new_user(), timeout_s=NEVER_S) as callboard:

        def refused() -> SentRequest:
            """It is looked for once whether one is: not before that is kept."""
            request = callboard.send("reverse_string", text="abc")
            wire.outcome_of(request.user_id)
            return request

        sent = [refused() for _ in range(3)]
        for request in sent:
            with pytest.raises(TaskError, match="Invalid 'reply_to' field: the channel should match results:"):
                request.result()
        assert [event.error_code for event in sent[0].events()] == [ErrorCode.INVALID_REQUEST]
        assert [event.error_code for event in refused().events()] == [ErrorCode.INVALID_REQUEST]


def test_a_channel_that_is_not_allowed_is_told_soon_in_an_event_loop(system: System, wire: Wire) -> None:
    async def call() -> None:
        async with AsyncCallboardClient(
            system.redis_url, listen_on="elsewhere", user_id=new_user(), timeout_s=NEVER_S
        ) as callboard:
            for _ in range(2):
                sent = [await callboard.send("waits") for _ in range(50)]
                # It is looked for once whether one was refused: not before that is kept.
                for request in sent:
                    await asyncio.to_thread(wire.outcome_of, request.user_id)
                failures = await asyncio.gather(*(request.result() for request in sent), return_exceptions=True)
                assert {type(failure) for failure in failures} == {TaskError}

    asyncio.run(call())


def test_a_refusal_that_comes_after_a_look_in_vain_is_told(
    system: System, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.doubt, "REFUSED_AFTER_S", 0.1)
    with (
        ThreadPoolExecutor() as threads,
        CallboardClient(system.redis_url, listen_on="elsewhere", user_id=new_user(), timeout_s=NEVER_S) as callboard,
        looks(monkeypatch) as looked,
    ):
        with system.suspended("ingress"):
            request = callboard.send("reverse_string", text="abc")
            ending = threads.submit(request.outcome)
            wait_until(lambda: looked, "a look while the request was not taken in")
        wire.outcome_of(request.user_id)
        assert ending.result(DEADLINE_S).error_code is ErrorCode.INVALID_REQUEST


def test_a_refusal_that_comes_after_a_look_in_vain_is_told_in_an_event_loop(
    system: System, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.doubt, "REFUSED_AFTER_S", 0.1)

    async def call() -> object:
        async with AsyncCallboardClient(
            system.redis_url, listen_on="elsewhere", user_id=new_user(), timeout_s=NEVER_S
        ) as callboard:
            with looks(monkeypatch, redis.asyncio.client.Pipeline) as looked:
                with system.suspended("ingress"):
                    request = await callboard.send("reverse_string", text="abc")
                    ending = asyncio.create_task(request.outcome())
                    while not looked:
                        await asyncio.sleep(0.01)
                async with asyncio.timeout(DEADLINE_S):
                    return (await ending).error_code

    assert asyncio.run(call()) is ErrorCode.INVALID_REQUEST


def test_an_outcome_that_was_heard_ends_the_doubt(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.doubt, "REFUSED_AFTER_S", NEVER_S)
    with CallboardClient(system.redis_url, listen_on="results:mine") as callboard:
        callboard.call("reverse_string", text="abc")
        monkeypatch.setattr(client.doubt, "REFUSED_AFTER_S", 0.01)
        with looks(monkeypatch) as looked:
            assert callboard.call("waits", seconds=0.2) == {"text": "waited"}
            assert looked == []


def test_a_look_is_for_all_who_wait() -> None:
    doubt = Doubt(Place("redis://localhost", "results:mine"), Desk(BlockingWaiter))
    assert [doubt.is_due() for _ in range(3)] == [True, False, False]
    doubt.was_right()
    assert doubt.is_due()


def test_who_may_not_read_what_is_kept_does_not_look_again() -> None:
    desk = Desk(BlockingWaiter)
    doubt = Doubt(Place("redis://localhost", "results:mine"), desk)
    assert doubt.is_due()
    desk.take_kept([NoPermissionError("NOPERM this user has no permissions")])
    assert list(doubt.pauses()) == []


def test_what_another_client_was_refused_is_not_the_outcome_of_the_corrected_request(system: System) -> None:
    user_id = new_user()
    refused = pytest.raises(TaskError, match="Missing 'text' parameter")
    with CallboardClient(system.redis_url, user_id=user_id, request_id="order-1") as first, refused:
        first.call("reverse_string")
    with CallboardClient(system.redis_url, user_id=user_id, request_id="order-1") as second:
        with system.suspended("ingress"):
            request = second.send("reverse_string", text="abc")
            with pytest.raises(NoOutcomeError):
                request.result(timeout_s=0)
        assert request.result() == {"reversed_text": "cba"}


def test_a_request_that_is_refused_again_has_its_own_refusal(system: System, wire: Wire) -> None:
    user_id = new_user()
    for _ in range(2):
        with CallboardClient(
            system.redis_url, listen_on="elsewhere", user_id=user_id, request_id="order-1", timeout_s=0
        ) as callboard:
            request = callboard.send("reverse_string")
            at = wire.outcome_of(user_id)["timestamp"]
            assert request.outcome().timestamp == at


def test_what_another_client_was_refused_is_not_the_outcome_in_an_event_loop(system: System) -> None:
    user_id = new_user()

    async def correct() -> object:
        async with AsyncCallboardClient(system.redis_url, user_id=user_id, request_id="order-1") as first:
            with pytest.raises(TaskError, match="Missing 'text' parameter"):
                await first.call("reverse_string")
        async with AsyncCallboardClient(system.redis_url, user_id=user_id, request_id="order-1") as second:
            with system.suspended("ingress"):
                request = await second.send("reverse_string", text="abc")
                with pytest.raises(NoOutcomeError):
                    await request.result(timeout_s=0)
            return await request.result()

    assert asyncio.run(correct()) == {"reversed_text": "cba"}


def test_a_look_that_takes_until_the_deadline_is_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.doubt, "REFUSED_AFTER_S", 0.0)
    looks: list[str] = []
    over_s = time.monotonic() + 1.0

    def fetch_missed(_: Connection) -> bool:
        looks.append("meanwhile")
        wait_until(lambda: time.monotonic() > over_s, "the time is over")
        return False

    with RedisServer() as server, CallboardClient(server.url, durable=True) as callboard:
        request = callboard.send("reverse_string", text="abc")
        monkeypatch.setattr(Connection, "_fetch_missed", fetch_missed)
        monkeypatch.setattr(Connection, "_fetch", lambda *_: looks.append("at the end"))
        with pytest.raises(NoOutcomeError):
            request.result(timeout_s=over_s - time.monotonic())
        assert looks == ["meanwhile"]


def test_a_look_that_takes_until_the_deadline_is_the_last_one_in_an_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.doubt, "REFUSED_AFTER_S", 0.0)
    looks: list[str] = []
    over_s = time.monotonic() + 1.0

    async def fetch_missed(_: AsyncConnection) -> bool:
        looks.append("meanwhile")
        while time.monotonic() < over_s:
            await asyncio.sleep(0.01)
        return False

    async def fetch(*_: object) -> bool:
        looks.append("at the end")
        return True

    async def wait(url: str) -> None:
        async with AsyncCallboardClient(url, durable=True) as callboard:
            request = await callboard.send("reverse_string", text="abc")
            monkeypatch.setattr(AsyncConnection, "_fetch_missed", fetch_missed)
            monkeypatch.setattr(AsyncConnection, "_fetch", fetch)
            with pytest.raises(NoOutcomeError):
                await request.result(timeout_s=over_s - time.monotonic())

    with RedisServer() as server:
        asyncio.run(wait(server.url))
    assert looks == ["meanwhile"]
