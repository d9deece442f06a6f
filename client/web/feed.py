"""The stream of server-sent events that keeps a page up to date."""

import asyncio
from collections.abc import AsyncIterator

from pydantic_core import to_json
from sse_starlette import ServerSentEvent

from client.web.live import Live
from client.web.situations import Situations

#: How often a page is drawn anew at most, however much happens.
FRAME_S = 0.5

Version = tuple[int, int]


class Feed:
    """Frames for all pages: each is made once, holds everything, and replaces the one before. A page that is slow gets
    fewer of them."""

    def __init__(self, live: Live, situations: Situations, location: str) -> None:
        self._live = live
        self._situations = situations
        self._location = location
        self._frame = b""
        self._version: Version = (-1, -1)
        self._made_s = 0.0

    async def frames(self) -> AsyncIterator[ServerSentEvent]:
        """The frame of now, and each later one."""
        with self._situations.watched():
            shown: Version | None = None
            while True:
                frame = self._newest()
                if shown != self._version:
                    shown = self._version
                    yield ServerSentEvent(frame.decode(), event="frame")
                await asyncio.sleep(FRAME_S)

    def _newest(self) -> bytes:
        now_s = asyncio.get_running_loop().time()
        version = (self._live.version, self._situations.version)
        if version != self._version and now_s - self._made_s >= FRAME_S / 2:
            view = {"redis": self._location} | self._live.view() | self._situations.view()
            self._frame, self._version, self._made_s = to_json(view), version, now_s
        return self._frame
