"""What is beneath `AsyncCallboardClient`: the connections, and waiting in an event loop."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count

import redis

from client.async_listener import AsyncListener
from client.async_redis import connect_async
from client.desk import Desk, pages
from client.doubt import Doubt
from client.errors import ClientClosedError, MisplacedError
from client.outbox import Outbox
from client.place import CLOSED, Place, is_cluster, nobody_listens
from client.request import Composed, Key
from client.waiter import LAST, Waiter
from contract import TaskEvent, TaskOutcome


class AsyncWaiter(Waiter):
    """Waits in an event loop."""

    def __init__(self, key: Key) -> None:
        super().__init__(key)
        self._changed = asyncio.Event()

    async def wait(self, condition: Callable[[], bool], deadline_s: float) -> bool:
        """Whether the condition came true before the deadline, a time of the event loop."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline_s):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        return condition()

    def _wake(self) -> None:
        self._changed.set()


class AsyncConnection:
    """What `client.connection.Connection` is for threads. Belongs to the event loop that it is first used in; in
    another one every method raises a MisplacedError."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._redis = connect_async(place.redis.connection_url, place.redis.key_prefix)
        self._outbox = Outbox(self._redis)
        self._desk: Desk[AsyncWaiter] = Desk(AsyncWaiter)
        self._doubt = Doubt(place, self._desk)
        self._listener = AsyncListener(self._redis, partial(self._desk.take, place), self._fetch_missed)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False
        self._closing: asyncio.Task[None] | None = None

    async def send(self, request: Composed, *, durable: bool, events: bool) -> AsyncWaiter:
        """Sends a request and returns who waits for it, subscribed before.

        Raises:
            NobodyListensError, RedisAwayError, ClientClosedError
        """
        channel = self.place.redis.channels.tasks_queue
        with self._in_use():
            await self._listener.hear(self.place.outcomes)
            if request.is_named and self._desk.may_look:
                self._desk.take_old(request.key, await self._kept(request.key))
            waiter = self._desk.enter(request.key)
            if events:
                await self.watch(waiter)
            if durable:
                await self._outbox.send("XADD", self.place.stream, "*", "request", request.data)
            elif not await self._reaches(channel, request.data):
                raise nobody_listens(channel)
        return waiter

    async def watch(self, waiter: AsyncWaiter, deadline_s: float | None = None) -> None:
        """From now on its events are heard, too; or, when that takes until the deadline, from later on."""
        waiter.wants_events = True
        with self._in_use():
            await self._listener.hear(self.place.redis.channels.events, deadline_s)

    async def cancel(self, message: bytes) -> None:
        """Publishes a control message.

        Raises:
            NobodyListensError, RedisAwayError, ClientClosedError
        """
        channel = self.place.redis.channels.control
        with self._in_use():
            if not await self._reaches(channel, message):
                raise nobody_listens(channel)

    async def outcome(self, waiter: AsyncWaiter, timeout_s: float) -> TaskOutcome:
        """The outcome; when it was not heard in time, it is looked for where it is kept."""
        self._keep_to_one_loop()
        await self._wait(waiter, lambda: waiter.is_over, asyncio.get_running_loop().time() + timeout_s)
        return waiter.ending()

    async def events(self, waiter: AsyncWaiter, timeout_s: float) -> AsyncIterator[TaskEvent]:
        """The events, up to the last one; when that was not heard in time, the outcome is looked for where it is
        kept."""
        deadline_s = asyncio.get_running_loop().time() + timeout_s
        await self.watch(waiter, deadline_s)
        for number in count():
            await self._wait(waiter, partial(waiter.has_event, number), deadline_s)
            if (event := waiter.event(number)) is None:
                continue
            yield event
            if event.event in LAST:
                return

    async def close(self) -> None:
        """Hangs up; who still waits is told."""
        if self._is_closed:
            return
        self._keep_to_one_loop()
        self._is_closed = True
        # In a task of its own, which goes on when whoever closes is cancelled: a cancel scope of anyio, such as those
        # that a web framework works in, would cut short each `await` anew.
        self._closing = asyncio.create_task(self._hang_up(), name="callboard-client-closing")
        await asyncio.shield(self._closing)

    async def _hang_up(self) -> None:
        try:
            await self._listener.close()
            await self._outbox.close()
        finally:
            self._desk.close(ClientClosedError(CLOSED))
            await self._redis.aclose()

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        with self.place.errors(lambda: self._is_closed):
            self._keep_to_one_loop()
            yield

    def _keep_to_one_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise MisplacedError(
                "this AsyncCallboardClient was first used in another event loop, where its connections are; make one "
                "for each event loop, inside of what asyncio.run() runs"
            )

    async def _wait(self, waiter: AsyncWaiter, condition: Callable[[], bool], deadline_s: float) -> None:
        clock = asyncio.get_running_loop().time
        looked_s = -math.inf
        for pause_s in self._doubt.pauses():
            if (look_s := clock() + pause_s) >= deadline_s or await waiter.wait(condition, look_s):
                break
            if self._doubt.is_due():
                await self._fetch_missed()
                looked_s = clock()
                if condition():
                    self._doubt.was_right()
        # Where that look has taken until now, Redis says nothing, and another one would take as long.
        if not await waiter.wait(condition, deadline_s) and looked_s < deadline_s:
            await self._fetch([waiter])

    async def _kept(self, key: Key) -> object:
        try:
            return await self._outbox.send("GET", self.place.kept_at(key))
        except redis.ResponseError as error:  # this user may not, or it is on another node of a cluster
            return error

    async def _fetch_missed(self) -> bool:
        """Whether Redis has answered for all who wait."""
        for waiters in pages(self._desk.outstanding()):
            if not await self._fetch(waiters):
                return False
        return True

    async def _fetch(self, waiters: Sequence[AsyncWaiter]) -> bool:
        # One connection for all: a thousand who time out together would open a thousand. Where it cannot be read, on
        # another node of a cluster for instance, there is still what is heard.
        looks = (self._outbox.send("GET", self.place.kept_at(waiter.key)) for waiter in waiters)
        return self._desk.take_kept(await asyncio.gather(*looks, return_exceptions=True))

    async def _reaches(self, channel: str, data: bytes) -> bool:
        """Publishes; whether anybody heard that, where Redis knows."""
        return bool(await self._outbox.send("PUBLISH", channel, data)) or await self._is_cluster()

    async def _is_cluster(self) -> bool:
        try:
            return is_cluster(await self._outbox.send("HELLO"))
        except redis.ResponseError:  # a Redis before 6.0, or a user without the right
            return False
