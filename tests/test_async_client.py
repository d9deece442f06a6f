"""`AsyncCallboardClient` and a real system. What both clients share is tested with the other one."""

import asyncio
import doctest
from pathlib import Path

import pytest
import redis

import client.async_client
import client.async_listener
from client import (
    AsyncCallboardClient,
    ClientClosedError,
    NobodyListensError,
    NoOutcomeError,
    RedisAwayError,
    TaskError,
)
from client.redis_server import RedisServer, free_port
from contract import ErrorCode
from tests.redis_under_test import open_client
from tests.subscribers import subscribers
from tests.system import System
from tests.wire import Wire, new_user


def test_the_example_in_the_docstring_is_true(system: System) -> None:
    names = {"REDIS_URL": system.redis_url, "asyncio": asyncio}
    assert doctest.testmod(client.async_client, extraglobs=names).failed == 0


def test_a_call_that_fails_raises_the_error_with_its_code(system: System) -> None:
    async def fail() -> None:
        async with AsyncCallboardClient(system.redis_url) as callboard:
            await callboard.call("always_fails")

    with pytest.raises(TaskError, match="this never works") as raised:
        asyncio.run(fail())
    assert raised.value.code is ErrorCode.FAILED


def test_five_thousand_calls_are_outstanding_on_one_connection(system: System) -> None:
    async def reverse_all() -> list[str]:
        async with AsyncCallboardClient(system.redis_url) as callboard:
            with system.suspended("worker"):
                sent = [await callboard.send("reverse_string", text=f"{number:04}") for number in range(5_000)]
            return [(await request.result())["reversed_text"] for request in sent]

    assert asyncio.run(reverse_all()) == [f"{number:04}"[::-1] for number in range(5_000)]


def test_calls_at_once_take_two_connections(system: System) -> None:
    async def count(operator: "redis.Redis") -> int:
        others = {connection["id"] for connection in operator.client_list()}
        async with AsyncCallboardClient(system.redis_url) as callboard:
            await asyncio.gather(*(callboard.call("reverse_string", text="abc") for _ in range(500)))
            return len({connection["id"] for connection in operator.client_list()} - others)

    with open_client(system.redis_url) as operator:
        # One to hear, one to send. Of the system's own, one may be new.
        assert asyncio.run(count(operator)) <= 3


def test_a_durable_request_waits_for_an_ingress(system: System) -> None:
    async def call() -> object:
        async with AsyncCallboardClient(system.redis_url, durable=True) as callboard:
            return await callboard.call("reverse_string", text="abc")

    assert asyncio.run(call()) == {"reversed_text": "cba"}


def test_an_outcome_that_takes_too_long_is_a_timeout_and_may_be_awaited_again(system: System, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"

    async def wait_twice() -> object:
        async with AsyncCallboardClient(system.redis_url) as callboard:
            request = await callboard.send("waits_for", file=str(go_on))
            with pytest.raises(NoOutcomeError):
                await request.result(timeout_s=0.05)
            go_on.touch()
            return await request.result()

    assert asyncio.run(wait_twice()) == {"text": "there it is"}


def test_it_says_at_once_when_nobody_listens() -> None:
    async def call(url: str) -> None:
        async with AsyncCallboardClient(url) as callboard:
            await callboard.call("reverse_string", text="abc")

    with RedisServer() as server, pytest.raises(NobodyListensError, match="no ingress runs"):
        asyncio.run(call(server.url))


def test_it_says_at_once_that_redis_does_not_answer() -> None:
    async def call() -> None:
        async with AsyncCallboardClient(f"redis://ada:hush-hush@127.0.0.1:{free_port()}/0") as callboard:
            await callboard.call("reverse_string", text="abc")

    with pytest.raises(RedisAwayError, match="connecting to 127") as raised:
        asyncio.run(call())
    assert "hush" not in str(raised.value)


def test_who_waits_is_told_when_the_client_is_closed(system: System, wire: Wire, tmp_path: Path) -> None:
    go_on, user_id = tmp_path / "go on", new_user()

    async def close_early() -> None:
        callboard = AsyncCallboardClient(system.redis_url, user_id=user_id)
        request = await callboard.send("waits_for", file=str(go_on))
        await callboard.close()
        await request.result()

    with pytest.raises(ClientClosedError):
        asyncio.run(close_early())
    go_on.touch()
    wire.outcome_of(user_id)


def test_an_outcome_that_came_while_the_connection_was_lost_is_fetched(
    system: System, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    go_on = tmp_path / "go on"
    monkeypatch.setattr(client.async_listener, "FIRST_PAUSE_S", 2.0)

    async def lose_the_connection(operator: "redis.Redis", wire: Wire) -> object:
        others = subscribers(operator)
        async with AsyncCallboardClient(system.redis_url, user_id=new_user()) as callboard:
            request = await callboard.send("waits_for", file=str(go_on))
            for own in subscribers(operator) - others:
                operator.client_kill_filter(_id=own)
            go_on.touch()
            assert (await asyncio.to_thread(wire.outcome_of, request.user_id))["status"] == "completed"
            return await request.result()

    with open_client(system.redis_url) as operator, Wire(system.redis_url) as wire:
        assert asyncio.run(lose_the_connection(operator, wire)) == {"text": "there it is"}
