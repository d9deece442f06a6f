"""Requests as bytes, what every refusal has in common, and tasks declared and performed without Redis."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from unittest.mock import patch

import pytest
from dramatiq.middleware import CurrentMessage

from broker import broker
from contract import ErrorCode, RefusedRequestError, TaskRequest, read_request
from task import Task, catalogue
from transport.messages import Delivery, message_for

#: The fields of every outcome of a refused request; `request_id` and `traceparent` where that had one.
REFUSAL_FIELDS = {"user_id", "task_type", "task_id", "status", "timestamp", "error", "error_code"}

#: A W3C trace context, and the ids in it.
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE_ID}-{PARENT_ID}-01"


@pytest.fixture
def undo_declarations() -> Iterator[None]:
    """Forgets after a test what it has declared."""
    with patch.dict(catalogue), patch.dict(broker.actors):
        yield


def request_bytes(**fields: Any) -> bytes:
    """A request to reverse a text, with these fields as well or instead."""
    request = {"task_type": "reverse_string", "user_id": "u", "parameters": {"text": "hello"}} | fields
    return json.dumps(request).encode()


def without(field: str) -> bytes:
    """The same request with one field missing."""
    request = json.loads(request_bytes())
    del request[field]
    return json.dumps(request).encode()


def refusal(data: bytes) -> RefusedRequestError:
    """Why the reader refuses these bytes."""
    with pytest.raises(RefusedRequestError) as refused:
        read_request(data)
    assert_in_order(refused.value)
    return refused.value


def assert_in_order(refused: RefusedRequestError) -> None:
    """Fails when the outcome of a refusal is not exactly what the design says, in strict JSON."""
    outcome = strict_json(refused.outcome.to_wire())
    repeated = {name for name in ("request_id", "traceparent") if getattr(refused.sender, name) is not None}
    assert set(outcome) == REFUSAL_FIELDS | repeated
    assert (outcome["task_id"], outcome["status"]) == ("error", "error")
    assert outcome["error_code"] in set(ErrorCode)
    assert outcome["error"].strip()
    assert outcome["error"].splitlines() == [outcome["error"]]
    assert len(outcome["error"]) <= 500
    assert datetime.fromisoformat(outcome["timestamp"]).utcoffset() is not None


def strict_json(data: bytes) -> dict[str, Any]:
    """Reads an object as the strictest client does: no NaN or Infinity, no byte that is not UTF-8, no surrogate."""
    content = json.loads(data.decode(), parse_constant=_refuse_constant)
    assert isinstance(content, dict)
    json.dumps(content, ensure_ascii=False).encode()
    return content


def perform(task: Task[..., Any], /, **parameters: Any) -> dict[str, Any] | None:
    """The result that a worker has once its actor has run with these parameters of a message."""
    request = TaskRequest(task_type=task.name, user_id="u", parameters=parameters)
    delivery = Delivery(message_for(request, task.actor.queue_name, parameters), "1")
    current = CurrentMessage()
    current.before_process_message(broker, delivery)
    try:
        task.actor(**parameters)
    finally:
        current.after_process_message(broker, delivery)
    return delivery.result


def _refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")
