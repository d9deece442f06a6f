"""Sends commands of many tasks of an event loop over one connection."""

import asyncio
from typing import Any

import redis
import redis.asyncio

Words = tuple[str | bytes, ...]

Pending = list[tuple[Words, asyncio.Future[Any]]]

INTERRUPTED = "the task that sends for this client was ended"

#: The most commands that are sent together.
MOST_TOGETHER = 256


class Outbox:
    """Sends together what has been asked for while an answer was awaited.

    Each by itself would take a connection of its own from the pool: with thousands of calls at once, thousands.
    """

    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self._client = client
        self._pending: Pending = []
        self._sending: asyncio.Task[None] | None = None
        self._is_closed = False

    async def send(self, *words: str | bytes) -> Any:
        """What Redis answers to the command.

        Raises:
            redis.RedisError: whether it was performed is unknown when that is a connection error.
            Exception: whatever else has kept it from being sent.
        """
        if self._is_closed:
            raise redis.ConnectionError(INTERRUPTED)
        answer = asyncio.get_running_loop().create_future()
        self._pending.append((words, answer))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send_pending())
            self._sending.add_done_callback(self._end)
        return await answer

    async def close(self) -> None:
        """Sends no more. Before the client is closed: a connection that is being opened then would stay, and so would
        one that is opened later, for a last look."""
        self._is_closed = True
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])

    async def _send_pending(self) -> None:
        group: Pending = []
        try:
            while self._pending:
                group, self._pending = self._pending[:MOST_TOGETHER], self._pending[MOST_TOGETHER:]
                answers = await self._answers([words for words, _ in group])
                for (_, future), answer in zip(group, answers, strict=True):
                    if future.done():  # who waited for it has given up
                        continue
                    if isinstance(answer, Exception):
                        future.set_exception(answer)
                    else:
                        future.set_result(answer)
        except BaseException as error:
            self._give_up(group, error)
            raise

    def _end(self, task: asyncio.Task[None]) -> None:
        """Of a task that is cancelled before it has begun nothing runs, so that somebody else has to tell."""
        if task is self._sending:
            self._give_up([], redis.ConnectionError(INTERRUPTED))

    def _give_up(self, group: Pending, error: BaseException) -> None:
        """Nobody is left waiting, whatever has ended the task, its cancellation included."""
        pending, self._pending = self._pending, []
        for _, future in group + pending:
            if not future.done():
                # Not the cancellation itself: who awaits this was not cancelled.
                future.set_exception(error if isinstance(error, Exception) else redis.ConnectionError(INTERRUPTED))

    async def _answers(self, commands: list[Words]) -> list[Any]:
        try:
            async with self._client.pipeline(transaction=False) as pipeline:
                for words in commands:
                    pipeline.execute_command(*words)
                return await pipeline.execute(raise_on_error=False)
        except redis.RedisError as error:
            return [error] * len(commands)
