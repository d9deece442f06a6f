"""The messages of the AsyncAPI document: one for each task's request and result, with an example where there is one."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from client.examples import NoExampleError, example_of
from client.json_schemas import completed_name, request_name
from contract import ControlMessage, ErrorCode, EventKind, TaskDescription, TaskEvent, TaskOutcome, TaskRequest

JsonObject = dict[str, Any]

#: AsyncAPI's bindings for Redis have no fields yet: they only say that this is Redis.
REDIS: JsonObject = {"redis": {}}

USER_ID = "ada"
#: Of the first task's example. Each has another one, or whoever sends them all would get the first one's outcome.
FIRST_ORDER = 17
TASK_ID = "bf5d5a12-cb9e-437f-bb76-3d0ac0d3c2bc"
TIMESTAMP = "2026-11-23T21:58:14.313214+00:00"


def messages(tasks: Sequence[TaskDescription]) -> JsonObject:
    """Every message by its name. What it holds is the schema of the same name."""
    described = {}
    for number, task in enumerate(tasks, FIRST_ORDER):
        described[request_name(task)] = _message(
            request_name(task), f"Request {task.name}", "Asks for the task to be performed.", _request(task, number)
        )
        described[completed_name(task)] = _message(
            completed_name(task), f"Result of {task.name}", "The task was performed.", _completed(task, number)
        )
    error = "The request was refused, or its task failed, timed out, expired or was cancelled: there is no result."
    return described | {
        "error": _message("error", "No result", error, [_refused()]),
        "event": _message("event", "Event", "What happens to a task while it waits and runs.", _events()),
        "control": _message("control", "Control", "Cancels a task; only who has sent its request may.", [_cancel()]),
    }


def _message(name: str, title: str, summary: str, examples: Sequence[JsonObject]) -> JsonObject:
    message = {
        "name": name,
        "title": title,
        "summary": summary,
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "correlationId": {
            "location": "$message.payload#/request_id",
            "description": "The id that the client gave its request, where it gave one; it also makes it idempotent.",
        },
        "bindings": REDIS,
    }
    return message | ({"examples": [{"payload": payload} for payload in examples]} if examples else {})


def _request_id(number: int = FIRST_ORDER) -> str:
    return f"order-{number}"


def _request(task: TaskDescription, number: int) -> list[JsonObject]:
    with suppress(NoExampleError):
        parameters = example_of(task.parameters)
        reply_to = f"results:{USER_ID}"
        request = TaskRequest(
            task_type=task.name,
            user_id=USER_ID,
            parameters=parameters,
            request_id=_request_id(number),
            reply_to=reply_to,
        )
        return [request.model_dump(exclude_none=True)]
    return []


def _completed(task: TaskDescription, number: int) -> list[JsonObject]:
    with suppress(NoExampleError):
        result = example_of(task.result)
        ending = {"status": "completed", "result": result, "attempts": 1, "duration_ms": 0.274}
        return [_outcome(task.name, TASK_ID, number, **ending)]
    return []


def _refused() -> JsonObject:
    code = ErrorCode.INVALID_PARAMETERS
    return _outcome("reverse_string", "error", status="error", error="Missing 'text' parameter", error_code=code)


def _outcome(task_type: str, task_id: str, number: int = FIRST_ORDER, **ending: Any) -> JsonObject:
    outcome = TaskOutcome(
        user_id=USER_ID,
        task_type=task_type,
        task_id=task_id,
        timestamp=TIMESTAMP,
        request_id=_request_id(number),
        **ending,
    )
    return outcome.model_dump(mode="json")


def _events() -> list[JsonObject]:
    common = {"task_id": TASK_ID, "user_id": USER_ID, "task_type": "reverse_string", "timestamp": TIMESTAMP}
    kinds: list[dict[str, Any]] = [
        {"event": EventKind.ACCEPTED},
        {"event": EventKind.PROGRESS, "attempt": 1, "done": 30, "total": 100, "message": "a third"},
        {"event": EventKind.COMPLETED, "attempt": 1, "duration_ms": 0.274},
    ]
    return [TaskEvent(**common, request_id=_request_id(), **kind).model_dump(mode="json") for kind in kinds]


def _cancel() -> JsonObject:
    message = ControlMessage(action="cancel", user_id=USER_ID, request_id=_request_id())
    return message.model_dump(exclude_none=True)
