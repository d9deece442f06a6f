"""HTTP with little patience, as everybody on this machine may connect."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

#: Whoever is connected, and asks nothing for so long, is hung up on.
SILENCE_S = 5.0


class ImpatientProtocol(H11Protocol):
    """Uvicorn by itself waits for ever for the first request of a connection, and for the end of each that has begun;
    those who wait count among `limit_concurrency`, and keep everybody else away."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody is there, who has not asked yet."""
        super().connection_made(transport)
        self._look = self.loop.call_later(SILENCE_S, self._hang_up_unless_asked, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """They have gone."""
        self._look.cancel()
        super().connection_lost(exc)

    def _hang_up_unless_asked(self, answered: RequestResponseCycle | None) -> None:
        # `cycle` is the last request, from its last header on, and its answer.
        if self.cycle is not answered or (answered is not None and not answered.response_complete):
            self._look = self.loop.call_later(SILENCE_S, self._hang_up_unless_asked, self.cycle)
        else:
            self.transport.close()
