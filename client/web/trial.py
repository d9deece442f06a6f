"""Tries tasks: sends a request for somebody at the page, and tells what happens to it."""

from collections.abc import AsyncIterator
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json
from sse_starlette import ServerSentEvent

from client.async_client import AsyncCallboardClient
from client.callboard_client import CallboardClient
from client.catalogue import read_tasks
from contract import TaskDescription
from errors import CallboardError
from settings import Settings

#: Whose requests those of the page are.
USER_ID = "web"

#: How long the tasks are waited for, and an outcome.
TASKS_TIMEOUT_S = 5.0
OUTCOME_TIMEOUT_S = 3600.0


class Trial(BaseModel):
    """What is to be tried."""

    task_type: str
    parameters: dict[str, Any]


class Cancellation(BaseModel):
    """Which task is to be cancelled, and whose it is."""

    user_id: str | int
    task_id: str


class Trials:
    """Talks to the Callboard of these settings as any client does.

    Each trial has connections of its own, which end with it: they hear the events of all requests, and nobody has to
    when nothing is tried.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def tasks(self) -> list[TaskDescription]:
        """All tasks, as the running system tells them.

        Raises:
            CallboardError: as `Caller.call` does.
        """
        with CallboardClient.from_settings(self._settings, timeout_s=TASKS_TIMEOUT_S, user_id=USER_ID) as callboard:
            return read_tasks(callboard)

    async def attempt(self, trial: Trial) -> AsyncIterator[ServerSentEvent]:
        """The events of the request from the first one on, then its outcome and the result as text, since a browser
        would round long numbers; or one `failure` that says why there is none."""
        try:
            async with AsyncCallboardClient.from_settings(
                self._settings, user_id=USER_ID, events=True, timeout_s=OUTCOME_TIMEOUT_S
            ) as callboard:
                request = await callboard.send(trial.task_type, **trial.parameters)
                async for event in request.events():
                    yield ServerSentEvent(event.model_dump_json(), event="event")
                outcome = await request.outcome()
                yield ServerSentEvent(outcome.to_wire().decode(), event="outcome")
                text = to_json(outcome.result, indent=2, inf_nan_mode="null") if outcome.status == "completed" else b""
                yield ServerSentEvent(to_json({"text": text.decode()}).decode(), event="result")
        except CallboardError as error:
            yield ServerSentEvent(to_json({"error": str(error)}).decode(), event="failure")

    async def cancel(self, cancellation: Cancellation) -> None:
        """Asks for a task to be cancelled, whoever sent it.

        Raises:
            CallboardError: as `AsyncCaller.cancel` does.
        """
        async with AsyncCallboardClient.from_settings(self._settings, user_id=cancellation.user_id) as callboard:
            await callboard.cancel(task_id=cancellation.task_id)
