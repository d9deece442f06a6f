"""The wire: what requests, outcomes, events and control messages are, which errors there are, and what each error says.

The one place that knows a field's name; knows neither Redis nor Dramatiq. docs/wire.md tells others of it. A page each:
`fields` (what they have in common), `sentences` (what an error says), `outcome`, `request`, `event`, `control`,
`description` (of a task), and `keys` (where Redis keeps what is known of a request).
"""

from contract.control import ControlMessage
from contract.description import JsonSchema, TaskDescription
from contract.event import EventKind, TaskEvent, write_event
from contract.fields import ErrorCode, Sender, timestamp
from contract.keys import claim_key, outcome_key, request_key
from contract.outcome import RefusedRequestError, TaskOutcome, read_outcome
from contract.request import HEAD_BYTES, MAX_DELAY_MS, TaskRequest, read_request, whom_to_answer
from contract.sentences import (
    MAX_SENTENCE_CHARACTERS,
    parameters_complaint,
    result_complaint,
    sentence,
    task_not_found,
)

__all__ = [
    "HEAD_BYTES",
    "MAX_DELAY_MS",
    "MAX_SENTENCE_CHARACTERS",
    "ControlMessage",
    "ErrorCode",
    "EventKind",
    "JsonSchema",
    "RefusedRequestError",
    "Sender",
    "TaskDescription",
    "TaskEvent",
    "TaskOutcome",
    "TaskRequest",
    "claim_key",
    "outcome_key",
    "parameters_complaint",
    "read_outcome",
    "read_request",
    "request_key",
    "result_complaint",
    "sentence",
    "task_not_found",
    "timestamp",
    "whom_to_answer",
    "write_event",
]
