"""The whole of what is served: the page, and below /api what it lives from."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import redis
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from client.errors import NobodyListensError, NoOutcomeError, NotFoundError, RedisAwayError
from client.web.api import Api
from client.web.feed import Feed
from client.web.guard import SafeHeaders, TokenRequired, refusal
from client.web.live import Live
from client.web.situations import Situations
from client.web.streams import TooManyError
from client.web.trial import Trials
from errors import CallboardError
from settings import Settings

STATIC = Path(__file__).parent / "static"

STATUS_OF: dict[type[CallboardError], int] = {
    NotFoundError: 404,
    NobodyListensError: 503,
    RedisAwayError: 503,
    NoOutcomeError: 504,
    TooManyError: 503,
}


def site(settings: Settings, token: SecretStr, hosts: Sequence[str]) -> Starlette:
    """The ASGI application.

    Parameters:
        hosts: the names that it may be asked for by. A page of another site can make its own name lead here (DNS
            rebinding), and would then be of the same origin as this one.
    """
    live, situations = Live(settings.redis), Situations(settings.redis)
    feed = Feed(live, situations, settings.redis.location)
    api = Api(feed, Trials(settings), settings.limits.request_bytes)

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        with live:
            looking = asyncio.create_task(situations.run())
            yield
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    return Starlette(
        routes=[
            Mount(
                "/api",
                routes=api.routes(),
                middleware=[
                    Middleware(TokenRequired, token=token),
                    Middleware(ExceptionMiddleware, handlers=HANDLERS),
                ],
            ),
            Mount("/", StaticFiles(directory=STATIC, html=True)),
        ],
        middleware=[
            Middleware(SafeHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
        ],
        lifespan=life,
    )


async def _tell(_: Request, error: Exception) -> Response:
    status = next((status for kind, status in STATUS_OF.items() if isinstance(error, kind)), 400)
    return refusal(status, str(error))


async def _tell_redis_away(_: Request, error: Exception) -> Response:
    # Not its text: a Redis that does not know AUTH quotes the password.
    return refusal(503, f"Redis does not answer ({type(error).__name__})")


async def _tell_none(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    answer = refusal(error.status_code, f"{request.method} {request.url.path}: {error.detail}")
    # What is allowed instead, where another method is.
    answer.headers.update(error.headers or {})
    return answer


#: What answers below /api when something is raised.
HANDLERS = {CallboardError: _tell, redis.RedisError: _tell_redis_away, HTTPException: _tell_none}
