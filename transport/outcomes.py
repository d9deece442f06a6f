"""The middleware that composes the outcome of a message; the consumer sends it with the acknowledgement."""

import time
from typing import Any

from dramatiq import Broker
from dramatiq.middleware import Middleware, Shutdown, TimeLimitExceeded
from loguru import logger

from contract import ErrorCode, EventKind, TaskOutcome, read_outcome, sentence, task_not_found, timestamp
from errors import InvalidParametersError
from transport.answers import Answers
from transport.messages import Delivery
from transport.stage import Cancelled

#: An outcome with no more brackets, and no more digits in an integer, every JSON parser can read; pydantic's, for one,
#: goes 200 levels deep.
SHALLOW = 100
MOST_DIGITS = 4300


class Outcomes(Middleware):
    """Stands before Retries in the list, so that Retries has decided by then whether another attempt follows.

    The consumers of this broker hand out nothing but `Delivery`s, so its hooks take nothing else.
    """

    def __init__(self, answers: Answers, most_bytes: int) -> None:
        self._answers = answers
        self._most_bytes = most_bytes

    def before_process_message(self, broker: Broker, message: Delivery) -> None:  # type: ignore[override]
        """Starts the clock of an attempt."""
        message.started_s = time.perf_counter()

    def after_process_message(  # type: ignore[override]
        self,
        broker: Broker,
        message: Delivery,
        *,
        result: object = None,
        exception: BaseException | None = None,
    ) -> None:
        """Composes the outcome, unless the attempt failed and another one follows."""
        if exception is None:
            try:
                self._compose(message, status="completed", result=message.result)
            except Exception as error:  # noqa: BLE001
                # A lone surrogate, as in a file name that is not UTF-8; or no object, where a type of the task's own
                # becomes something else.
                self._compose_error(message, ErrorCode.FAILED, f"The result cannot be sent: {_text_of(error)}")
        elif message.failed:
            self._compose_error(message, *_judge(exception, message))
        elif message.successor is not None:
            code, text = _judge(exception, message)
            message.bulletin.add(
                EventKind.RETRYING,
                timestamp(),
                error=sentence(text),
                error_code=code,
                next_run_at=message.successor.due_at or timestamp(),
            )

    def after_skip_message(self, broker: Broker, message: Delivery) -> None:  # type: ignore[override]
        """AgeLimit skips a message that is too old; a task may skip its own."""
        if message.failed:
            _take_back_attempt(message)
            self._compose_error(message, ErrorCode.EXPIRED, "Not started within its max_age_ms")
        else:
            self._compose_error(message, ErrorCode.FAILED, "The task has skipped its message")

    def before_ack(self, broker: Broker, message: Delivery) -> None:  # type: ignore[override]
        """A message that nothing has answered by now: something has failed on the way that Dramatiq only logs, such as
        the retry of a message with options that it cannot read."""
        if message.answer is None and message.successor is None:
            logger.bind(**message.marks).error("{} ended without an outcome, it is 'failed'", message.actor_name)
            self._compose_error(message, ErrorCode.FAILED, "The worker could not deal with its end, see its log")

    def before_nack(self, broker: Broker, message: Delivery) -> None:  # type: ignore[override]
        """A message that was never processed: mostly one for an actor that this worker does not have."""
        if message.answer is None:
            if message.verdict is None:
                _take_back_attempt(message)
            verdict = message.verdict or (ErrorCode.UNKNOWN_TASK, task_not_found(message.actor_name))
            self._compose_error(message, *verdict)

    def _compose_error(self, message: Delivery, code: ErrorCode, text: str) -> None:
        self._compose(message, status="error", error=sentence(text), error_code=code)

    def _compose(self, message: Delivery, **ending: Any) -> None:
        outcome = TaskOutcome(
            user_id=message.sender.user_id,
            task_type=message.sender.task_type,
            request_id=message.sender.request_id,
            traceparent=message.sender.traceparent,
            task_id=message.message_id,
            timestamp=timestamp(),
            attempts=message.attempt or None,
            duration_ms=message.duration_ms,
            **ending,
        )
        answer = self._answers.answer(outcome, message.reply_to)
        if len(answer.payload) > self._most_bytes and outcome.status == "completed":
            complaint = f"The outcome has {len(answer.payload)} bytes, at most {self._most_bytes} are sent"
            self._compose_error(message, ErrorCode.FAILED, complaint)
            return
        if outcome.status == "completed" and _is_unreadable(answer.payload):
            complaint = "The result is nested too deeply, or has too many digits, for whoever reads JSON"
            self._compose_error(message, ErrorCode.FAILED, complaint)
            return
        message.outcome, message.answer = outcome, answer
        kind = EventKind.COMPLETED if outcome.status == "completed" else EventKind.ERROR
        details: dict[str, object] = (
            {} if outcome.error is None else {"error": outcome.error, "error_code": outcome.error_code}
        )
        if outcome.duration_ms is not None:
            details["duration_ms"] = outcome.duration_ms
        message.bulletin.add(kind, outcome.timestamp, **details)


def _is_unreadable(payload: bytes) -> bool:
    # There are nearly always too few brackets and bytes for that. An integer with more digits has one in these places.
    sample = payload[MOST_DIGITS :: MOST_DIGITS + 1]
    is_suspect = payload.count(b"[") + payload.count(b"{") > SHALLOW or not set(sample).isdisjoint(b"0123456789")
    return is_suspect and read_outcome(payload) is None


def _take_back_attempt(message: Delivery) -> None:
    """The task was not begun: only the attempts before this one count, and it has taken no time."""
    message.attempt -= 1
    message.bulletin.take_back_attempt()
    message.started_s = None


def _judge(exception: BaseException, message: Delivery) -> tuple[ErrorCode, str]:
    if isinstance(exception, InvalidParametersError):
        return ErrorCode.INVALID_PARAMETERS, str(exception)
    if isinstance(exception, TimeLimitExceeded):
        return ErrorCode.TIMEOUT, f"{message.actor_name} ran past its time limit"
    if isinstance(exception, Cancelled):
        return ErrorCode.CANCELLED, "Cancelled while it ran"
    if isinstance(exception, Shutdown):
        return ErrorCode.FAILED, "Its worker stops"
    return ErrorCode.FAILED, _text_of(exception)


def _text_of(exception: BaseException) -> str:
    try:
        text = str(exception).strip()
        # "''" is what Dramatiq makes of no text, as in `Retry(delay=1000)`.
        return type(exception).__name__ if text in ("", "''") else text
    except BaseException:  # noqa: BLE001 - a task may raise anything, even what ends a thread that prints it
        return type(exception).__name__
