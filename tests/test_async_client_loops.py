"""`AsyncCallboardClient` in a second event loop, and when the tasks that it keeps in its own are cancelled."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest
import redis
import redis.asyncio

from client import AsyncCallboardClient, AsyncSentRequest, ClientClosedError, MisplacedError
from client.async_redis import connect_async
from client.outbox import Outbox
from tests.redis_under_test import open_client
from tests.subscribers import subscribers
from tests.system import System
from tests.waiting import DEADLINE_S
from tests.wire import Wire, new_user

HEARD = {"reversed_text": "cba"}


async def _use_all(callboard: AsyncCallboardClient, request: AsyncSentRequest) -> None:
    async def events() -> None:
        async for _ in request.events():
            pass

    uses: list[Callable[[], Awaitable[object]]] = [
        lambda: callboard.call("reverse_string", text="abc"),
        lambda: callboard.cancel(request_id="r"),
        callboard.close,
        request.result,
        request.cancel,
        events,
    ]
    for use in uses:
        with pytest.raises(MisplacedError, match=r"make one for each event loop, inside of what asyncio\.run"):
            await use()


def test_in_another_event_loop_it_says_so_at_once(system: System) -> None:
    callboard = AsyncCallboardClient(system.redis_url)

    async def send() -> AsyncSentRequest:
        return await callboard.send("waits", seconds=0.1)

    with asyncio.Runner() as first, asyncio.Runner() as second:
        request = first.run(send())
        second.run(_use_all(callboard, request))
        assert first.run(request.result()) == {"text": "waited"}
        first.run(callboard.close())
        second.run(callboard.close())
        with pytest.raises(ClientClosedError):
            second.run(send())


def test_it_hears_again_after_its_tasks_were_cancelled(system: System) -> None:
    async def cancel_the_others_and_call() -> object:
        async with AsyncCallboardClient(system.redis_url) as callboard:
            await callboard.call("reverse_string", text="abc")
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            return await callboard.call("reverse_string", text="abc")

    assert asyncio.run(cancel_the_others_and_call()) == HEARD


def test_nobody_is_left_waiting_when_what_is_sent_cannot_be(system: System) -> None:
    async def send(client: "redis.asyncio.Redis", what: list[object]) -> list[object]:
        outbox = Outbox(client)
        sent = asyncio.gather(*(outbox.send("ECHO", word) for word in what), return_exceptions=True)  # type: ignore[arg-type]
        async with asyncio.timeout(DEADLINE_S):
            answers = await sent
            return [*answers, await outbox.send("ECHO", "again")]

    async def both() -> list[object]:
        async with connect_async(system.redis_url, "") as client:
            # redis-py refuses an object with a DataError; what is beneath may fail with anything else.
            return await send(client, ["a", "\ud800"])

    *failures, again = asyncio.run(both())
    assert [type(failure) for failure in failures] == [UnicodeEncodeError, UnicodeEncodeError]
    assert again == b"again"


def test_nobody_is_left_waiting_when_sending_is_cancelled(system: System) -> None:
    async def cancel_the_sender() -> list[object]:
        async with connect_async(system.redis_url, "") as client:
            outbox = Outbox(client)
            sent = [asyncio.create_task(outbox.send("ECHO", str(number))) for number in range(600)]
            ours = {asyncio.current_task(), *sent}
            while not (senders := asyncio.all_tasks() - ours):
                await asyncio.sleep(0)
            # It has begun, or it could not fail.
            await asyncio.sleep(0)
            for sender in senders:
                sender.cancel()
            async with asyncio.timeout(DEADLINE_S):
                return [*await asyncio.gather(*sent, return_exceptions=True), await outbox.send("ECHO", "again")]

    *failures, again = asyncio.run(cancel_the_sender())
    assert {type(failure) for failure in failures} == {redis.ConnectionError}
    assert again == b"again"


def test_nobody_is_left_waiting_when_it_is_closed_before_it_has_begun_to_send(system: System) -> None:
    async def close_early() -> list[object]:
        async with connect_async(system.redis_url, "") as client:
            outbox = Outbox(client)
            sent = asyncio.create_task(outbox.send("ECHO", "a"))
            await asyncio.sleep(0)
            await outbox.close()
            async with asyncio.timeout(DEADLINE_S):
                return [*await asyncio.gather(sent, outbox.send("ECHO", "later"), return_exceptions=True)]

    # What is sent later would open a connection that nobody closes.
    assert [type(failure) for failure in asyncio.run(close_early())] == [redis.ConnectionError] * 2


def test_a_cancel_scope_of_anyio_leaves_no_connection(system: System) -> None:
    async def break_off(operator: "redis.Redis") -> None:
        others = subscribers(operator)
        with anyio.CancelScope() as scope:
            async with AsyncCallboardClient(system.redis_url) as callboard:
                await callboard.call("reverse_string", text="abc")
                scope.cancel()
        async with asyncio.timeout(DEADLINE_S):
            while subscribers(operator) - others:
                await asyncio.sleep(0.01)

    with open_client(system.redis_url) as operator:
        asyncio.run(break_off(operator))


def test_whoever_is_cancelled_while_closing_is(system: System, wire: Wire, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"

    async def close_and_be_cancelled(operator: "redis.Redis") -> bool:
        others = subscribers(operator)
        callboard = AsyncCallboardClient(system.redis_url, user_id=new_user())
        request = await callboard.send("waits_for", file=str(go_on))
        closing = asyncio.create_task(callboard.close())
        # Until it waits for the task that listens.
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        with pytest.raises(ClientClosedError):
            await request.result()
        async with asyncio.timeout(DEADLINE_S):
            while subscribers(operator) - others:
                await asyncio.sleep(0.01)
        go_on.touch()
        await asyncio.to_thread(wire.outcome_of, request.user_id)
        return closing.cancelled()

    with open_client(system.redis_url) as operator:
        assert asyncio.run(close_and_be_cancelled(operator))
