"""A TCP proxy in front of Redis that reads along, and lets something happen at a given command."""

import asyncio
import threading
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Self, TypeVar

from tests.faults.fault_point import IN_QUESTION, LATE_S, WITH_ANSWER, Fault, Moment
from tests.faults.resp import PUSH, REQUEST, Frames, command_name

T = TypeVar("T")

CHUNK_BYTES = 1 << 16

UNSUBSCRIBE = b"*1\r\n$11\r\nUNSUBSCRIBE\r\n"

#: How long Redis keeps a connection that its client has lost and it does not know of: a few requests come meanwhile.
STALE_S = 2.0

#: The name under which messages that Redis pushes to a subscriber count as commands.
MESSAGE = "message"


class Proxy:
    """Stands between one process and the Redis at `redis_port`: give the process its `url`."""

    def __init__(self, redis_port: int) -> None:
        self._redis_port = redis_port
        self._links: set[_Link] = set()
        self._fault: Fault | None = None
        #: The names of all commands that came through, in their order.
        self.commands: list[str] = []
        #: The requests that Redis had pushed to a subscriber when the connection was cut. To Redis it was received.
        self.swallowed: list[bytes] = []
        self.flows = asyncio.Event()
        self.flows.set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(self._listen())
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    def arm(self, fault: Fault | None) -> None:
        """Lets `fault` happen, in place of one that has not happened yet; with None nothing happens any more."""
        self._fault = fault

    def cut(self) -> None:
        """Cuts all connections."""
        self._loop.call_soon_threadsafe(self._cut)

    def abandon(self) -> None:
        """Cuts all connections for the process alone; for Redis they are there for another `STALE_S`."""
        self._loop.call_soon_threadsafe(self._cut, STALE_S)

    def freeze(self) -> None:
        """Holds everything back in both directions, as a network that loses all packets; nobody is told."""
        self._loop.call_soon_threadsafe(self.flows.clear)

    def thaw(self) -> None:
        """Delivers what was held back, and all that follows."""
        self._loop.call_soon_threadsafe(self.flows.set)

    def due(self, command: str, moments: tuple[Moment, ...]) -> Fault | None:
        """The armed fault, if this is its command and its moment."""
        fault = self._fault
        return fault if fault and fault.is_due(command, moments) else None

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            redis, to_redis = await asyncio.open_connection("127.0.0.1", self._redis_port)
        except OSError:
            to_client.transport.abort()
            return
        link = _Link(self, to_client, to_redis)
        self._links.add(link)
        try:
            await asyncio.gather(link.carry_commands(client), link.carry_answers(redis))
        finally:
            self._links.discard(link)

    def _cut(self, stale_s: float = 0.0) -> None:
        for link in list(self._links):
            link.cut(stale_s)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _close(self) -> None:
        self._server.close()
        self._cut()
        while self._links:
            await asyncio.sleep(0.01)
        await self._server.wait_closed()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.flows.set()
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _Link:
    """One connection that goes through."""

    def __init__(self, proxy: Proxy, to_client: asyncio.StreamWriter, to_redis: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._to_client = to_client
        self._to_redis = to_redis
        self._unanswered: deque[str] = deque()
        self._is_cut = False
        self._subscribes = False

    def cut(self, stale_s: float = 0.0) -> None:
        """Ends it for the client now, and for Redis after so long, once that has noticed: what it pushes until then
        is lost."""
        if self._is_cut:
            return
        self._is_cut = True
        self._to_client.transport.abort()
        asyncio.get_running_loop().call_later(stale_s, self._hang_up)

    def _hang_up(self) -> None:
        with suppress(OSError):
            if self._subscribes:
                # Redis would drop what it has counted as received and not sent yet, together with the connection.
                self._to_redis.write(UNSUBSCRIBE)
            self._to_redis.write_eof()

    async def carry_commands(self, client: asyncio.StreamReader) -> None:
        """From the process to Redis, until either hangs up."""
        frames = Frames()
        with suppress(OSError):
            while not self._is_cut and (data := await client.read(CHUNK_BYTES)):
                for frame in frames.feed(data):
                    await self._carry_command(frame)
                    if self._is_cut:
                        return
                await self._to_redis.drain()
        self.cut()

    async def carry_answers(self, redis: asyncio.StreamReader) -> None:
        """From Redis to the process; when it was cut, on to the end of what Redis still says."""
        frames = Frames()
        with suppress(OSError):
            while data := await redis.read(CHUNK_BYTES):
                for frame in frames.feed(data):
                    await self._carry_answer(frame)
        self.cut()
        self._to_redis.transport.abort()

    async def _carry_command(self, frame: bytes) -> None:
        await self._proxy.flows.wait()
        if self._is_cut:
            return
        name = command_name(frame)
        self._proxy.commands.append(name)
        fault = self._proxy.due(name, IN_QUESTION)
        if fault and fault.moment is Moment.INSIDE:
            frame = self._send_half(self._to_redis, frame)
        if fault and self._strike(fault):
            return
        self._subscribes = self._subscribes or name == "SUBSCRIBE"
        self._unanswered.append(name)
        self._to_redis.write(frame)

    async def _carry_answer(self, frame: bytes) -> None:
        await self._proxy.flows.wait()
        name = self._unanswered.popleft() if self._unanswered and not frame.startswith(PUSH) else MESSAGE
        fault = self._proxy.due(name, WITH_ANSWER)
        rest = frame
        if fault and fault.moment is Moment.LATE:
            await asyncio.sleep(LATE_S)
        if fault and fault.moment is Moment.IN_ANSWER:
            rest = self._send_half(self._to_client, frame)
        if fault:
            self._strike(fault)
        if not self._is_cut:
            self._to_client.write(rest)
            # Cut meanwhile: this was sent, and what Redis has said after it is still to be counted.
            with suppress(OSError):
                await self._to_client.drain()
        elif frame.startswith(REQUEST):
            self._proxy.swallowed.append(frame.split(b"\r\n", 6)[6].removesuffix(b"\r\n"))

    def _send_half(self, receiver: asyncio.StreamWriter, frame: bytes) -> bytes:
        middle = len(frame) // 2
        receiver.write(frame[:middle])
        return frame[middle:]

    def _strike(self, fault: Fault) -> bool:
        """Whether the connection is cut by it."""
        fault.strike()
        fault.fired.set()
        if fault.cuts:
            self.cut()
        return fault.cuts
