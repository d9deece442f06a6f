"""Answers that are streams of server-sent events, of which there may be only so many at once."""

from collections.abc import AsyncIterator, Callable

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Receive, Scope, Send

from errors import CallboardError

#: What is sent to a page that has closed its ears is given up after so long.
SEND_TIMEOUT_S = 30.0


class TooManyError(CallboardError):
    """As many streams of one kind are open as there may be."""


class Streams:
    """The open streams of one kind, all in one event loop.

    Parameters:
        most: how many there may be.
        complaint: what to tell whoever asks for one more.
    """

    def __init__(self, most: int, complaint: str) -> None:
        self._most = most
        self._complaint = complaint
        self._open = 0

    def answer(self, events: AsyncIterator[ServerSentEvent]) -> EventSourceResponse:
        """The answer that streams these events. It has its place from now on: those who ask at the same moment would
        all find one free if it were taken only when the stream begins.

        Raises:
            TooManyError: when there is no place.
        """
        if self._open >= self._most:
            raise TooManyError(self._complaint)
        self._open += 1
        return _Stream(events, self._give_back)

    def _give_back(self) -> None:
        self._open -= 1


class _Stream(EventSourceResponse):
    """Calls `ended` at its end, also when whoever asked has gone before it began: no `finally` in the events is reached
    then."""

    def __init__(self, events: AsyncIterator[ServerSentEvent], ended: Callable[[], None]) -> None:
        super().__init__(events, send_timeout=SEND_TIMEOUT_S)
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ended()
