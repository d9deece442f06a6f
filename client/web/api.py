"""What the page asks for and asks to be done: docs/web.md."""

from typing import TypeVar

from loguru import logger
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from client.errors import UsageError
from client.output import strict_json
from client.web import dead_letters
from client.web.dead_letters import Chosen
from client.web.feed import Feed
from client.web.streams import Streams
from client.web.trial import Cancellation, Trial, Trials

M = TypeVar("M", bound=BaseModel)

#: The most pages that are kept up to date at once, and the most requests that are waited for.
MOST_PAGES = 20
MOST_TRIALS = 20


class Api:
    """The routes below /api.

    Parameters:
        most_bytes: what a request may have.
    """

    def __init__(self, feed: Feed, trials: Trials, most_bytes: int) -> None:
        self._feed = feed
        self._trials = trials
        self._most_bytes = most_bytes
        self._pages = Streams(MOST_PAGES, "too many pages are open: close another one")
        self._attempts = Streams(MOST_TRIALS, "too many requests are being tried: wait for one of them, or cancel it")

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/live", self._live),
            Route("/tasks", self._tasks),
            Route("/requests", self._attempt, methods=["POST"]),
            Route("/cancellations", self._cancel, methods=["POST"]),
            Route("/dead-letters", self._letters),
            Route("/dead-letters/retry", self._retry, methods=["POST"]),
            Route("/dead-letters/purge", self._purge, methods=["POST"]),
            Route("/dead-letters/{letter_id}", self._letter),
        ]

    async def _live(self, request: Request) -> Response:
        return self._pages.answer(self._feed.frames())

    async def _tasks(self, request: Request) -> Response:
        return _answer({"tasks": await run_in_threadpool(self._trials.tasks)})

    async def _attempt(self, request: Request) -> Response:
        trial = await self._read(request, Trial)
        answer = self._attempts.answer(self._trials.attempt(trial))
        _log(request, "sends a request of task {!r}", trial.task_type)
        return answer

    async def _cancel(self, request: Request) -> Response:
        cancellation = await self._read(request, Cancellation)
        _log(request, "asks to cancel task {!r} of user {!r}", cancellation.task_id, cancellation.user_id)
        await self._trials.cancel(cancellation)
        return _answer({"asked_to_cancel": cancellation.task_id}, 202)

    async def _letters(self, request: Request) -> Response:
        skipped = request.query_params.get("skip", "0")
        if not (skipped.isdecimal() and len(skipped) < 9):
            raise UsageError(f"skip is {skipped[:100]!r} and should be a number of dead letters")
        task_type = request.query_params.get("task_type")
        return _answer(await run_in_threadpool(dead_letters.newest, int(skipped), task_type))

    async def _letter(self, request: Request) -> Response:
        return _answer(await run_in_threadpool(dead_letters.details, request.path_params["letter_id"]))

    async def _retry(self, request: Request) -> Response:
        chosen = await self._read(request, Chosen)
        count = await run_in_threadpool(dead_letters.retry, chosen)
        _log(request, "has sent back {} dead letters", count)
        return _answer({"retried": count})

    async def _purge(self, request: Request) -> Response:
        chosen = await self._read(request, Chosen)
        count = await run_in_threadpool(dead_letters.purge, chosen)
        _log(request, "has removed {} dead letters", count)
        return _answer({"purged": count})

    async def _read(self, request: Request, model: type[M]) -> M:
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise UsageError("the content type should be application/json")
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._most_bytes:
                raise UsageError(f"a request may have {self._most_bytes} bytes: see limits.request_bytes")
        try:
            return model.model_validate_json(bytes(body))
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, details["loc"]))
            raise UsageError(f"{where}: {details['msg']}" if where else details["msg"]) from None


def _answer(value: object, status: int = 200) -> Response:
    return Response(strict_json(value), status, {"Cache-Control": "no-store"}, "application/json")


def _log(request: Request, what: str, *details: object) -> None:
    logger.info("{} " + what, request.client.host if request.client else "somebody", *details)
