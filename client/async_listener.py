"""Hears Redis channels in a task of the event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import redis
import redis.asyncio

from client.gap import Gap
from client.listener import PING_S, SLICE_S
from transport.connection import FIRST_PAUSE_S, LONGEST_PAUSE_S
from transport.silence import Silence


class AsyncListener:
    """What `client.listener.Listener` is in a thread. All its methods are to be called in one event loop."""

    def __init__(
        self,
        client: "redis.asyncio.Redis",
        on_message: Callable[[str, bytes], None],
        on_gap: Callable[[], Awaitable[bool]],
    ) -> None:
        self._pool = client.connection_pool
        self._connection: redis.asyncio.Connection | None = None
        self._on_message = on_message
        self._on_gap = on_gap
        self._silence = Silence(PING_S)
        self._gap = Gap()
        self._wanted: list[str] = []
        self._confirmed: set[str] = set()
        self._is_ready = False
        self._failures = 0
        self._last_failure = redis.RedisError()
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    async def hear(self, channel: str, deadline_s: float | None = None) -> None:
        """Returns when everything that is published there from now on will be heard; or at the deadline, a time of the
        event loop.

        Raises:
            redis.RedisError: when Redis does not answer, or does not allow it.
        """
        if channel in self._confirmed:
            return
        failures = self._failures
        if channel not in self._wanted:
            self._wanted.append(channel)
            if self._connection is not None and self._is_ready:
                await self._connection.send_command("SUBSCRIBE", channel)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="callboard-client")
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline_s), self._changed:
                await self._changed.wait_for(
                    lambda: channel in self._confirmed or self._failures > failures or self._is_closed
                )
                if channel not in self._confirmed:
                    raise self._last_failure

    async def close(self) -> None:
        """Ends the task; who waits to hear is told."""
        self._is_closed = True
        async with self._changed:
            self._changed.notify_all()
        if self._task is not None:
            self._task.cancel()
            # Unlike the task itself, this is cancelled only when its caller is.
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        try:
            # Looked at, too, beside the cancellation: redis-py takes that for itself in some moments of connecting.
            while not self._is_closed:
                try:
                    await self._subscribe()
                    self._gap.opens()
                    pause_s = FIRST_PAUSE_S
                    while not self._is_closed:
                        if self._gap.is_due:
                            self._gap.was_looked_at(is_answered=await self._on_gap())
                        await self._read()
                except (redis.RedisError, OSError) as error:
                    await self._fail(error)
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        finally:
            # Whatever has ended it, cancellation for one: nobody believes that it still hears.
            await self._hang_up()
            self._task = None
            await self._fail(redis.ConnectionError("the task that listens for this client was ended"))

    async def _subscribe(self) -> None:
        self._connection = await self._pool.get_connection()
        # One after the other, with those that come to be wanted meanwhile: so it is known which one is refused.
        for channel in self._wanted:
            await self._connection.send_command("SUBSCRIBE", channel)
            try:
                while channel not in self._confirmed:
                    await self._receive(None)
            except redis.ResponseError:
                self._wanted.remove(channel)
                raise
        self._is_ready = True

    async def _fail(self, error: redis.RedisError | OSError) -> None:
        await self._hang_up()
        self._confirmed.clear()
        self._failures += 1
        self._last_failure = redis.RedisError(str(error))
        async with self._changed:
            self._changed.notify_all()

    async def _hang_up(self) -> None:
        connection, self._connection, self._is_ready = self._connection, None, False
        if connection is not None:
            await connection.disconnect()
            await self._pool.release(connection)

    async def _read(self) -> None:
        if not await self._receive(SLICE_S) and self._silence.asks() and self._connection is not None:
            await self._connection.send_command("PING")

    async def _receive(self, timeout_s: float | None) -> bool:
        assert self._connection is not None  # noqa: S101
        answer = await self._connection.read_response(timeout=timeout_s)
        if answer is None:
            return False
        self._silence.ends()
        kind, channel, data = (*answer, None, None)[:3]
        if kind == b"message":
            self._on_message(channel.decode(), data)
        elif kind == b"subscribe":
            self._confirmed.add(channel.decode())
            async with self._changed:
                self._changed.notify_all()
        return True
