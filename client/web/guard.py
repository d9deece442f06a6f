"""Who may see and do what: only a page of this server, for somebody who has the token.

The token comes in a header that no other site can make a browser send; it is never a part of an address, which logs
and histories keep. There are no cookies, so there is nothing that a foreign page could misuse.
"""

import hmac

from pydantic import SecretStr
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: With every answer. Nothing is loaded from elsewhere, no text becomes markup or code, no other site shows the page in
#: a frame or reads what is sent.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class SafeHeaders:
    """Adds `HEADERS`; what the server answers is asked for anew each time."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class TokenRequired:
    """Lets nobody through without the token, nor a browser that asks for the page of another site."""

    def __init__(self, app: ASGIApp, token: SecretStr) -> None:
        self._app = app
        self._expected = f"Bearer {token.get_secret_value()}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            await refusal(403, "only the page of this server may ask for this")(scope, receive, send)
        elif not hmac.compare_digest(headers.get("authorization", "").encode(), self._expected):
            answer = refusal(401, "the token is missing, or another one: it is in the link that `callboard web` prints")
            answer.headers["WWW-Authenticate"] = "Bearer"
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def refusal(status: int, sentence: str) -> JSONResponse:
    """The answer to what is not done."""
    return JSONResponse({"error": sentence}, status, {"Cache-Control": "no-store"})
