"""How Callboard's processes log: loguru on standard error, and everybody else's logging and last words through it.

Most of what is logged quotes somebody: a request, an exception, Redis. So whatever comes is made harmless in one place,
`_tame`: an entry is one line, in which a control character shows as an escape like `\\n` or `\\x1b`; the lines of a
traceback are set in behind a bar, so that none of them can pass for an entry.
"""

import logging
import sys
import threading
import time
from contextvars import ContextVar
from traceback import TracebackException
from types import TracebackType
from typing import TYPE_CHECKING

from dramatiq import Broker
from dramatiq.broker import MessageProxy
from dramatiq.middleware import Interrupt, Middleware
from loguru import logger
from pydantic_core import to_json

from redis_place import without_secrets
from settings import Settings
from transport.messages import Delivery

if TYPE_CHECKING:
    from loguru import Record, RecordException

HEAD = "<green>{time:YYYY-MM-DD HH:mm:ss.SSS}</green> <level>{level: <8}</level> {extra[process]} "
TEXT_FORMAT = HEAD + "{extra[marks]}{message}{extra[below]}\n"

#: What tells the entries of a task from those of others.
MARKS = ("task_id", "request_id")

#: What a line begins with that belongs to the entry above it.
BELOW = "\n    | "

#: A library may have levels of its own, which loguru takes by their number only.
KNOWN_LEVELS = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}

#: A line that quotes a request must not grow with it, and a traceback not with its recursion.
MAX_LINE_CHARACTERS = 2_000
MAX_TRACEBACK_LINES = 100

#: The loggers of Dramatiq's consumers, and how often the same may come from each of them.
CONSUMERS = "dramatiq.worker.ConsumerThread"
REPEAT_S = 10.0

#: The message that this thread, or this asynchronous task, performs.
_performed: ContextVar[Delivery | None] = ContextVar("performed", default=None)


def configure_logging(process: str, settings: Settings) -> None:
    """Sets up this process's log, each entry marked with `process`, as the settings say."""
    secrets = settings.redis.secrets
    logger.remove()
    # diagnose would print the values of variables in tracebacks, and a password may be among them.
    logger.add(
        sys.stderr,
        format=_json_format if settings.log_format == "json" else _text_format,
        level=settings.log_level,
        diagnose=False,
        backtrace=False,
    )
    logger.configure(extra={"process": process}, patcher=lambda record: _tame(record, secrets))
    to_loguru = _ToLoguru()
    to_loguru.addFilter(_Thinned())
    logging.basicConfig(handlers=[to_loguru], level=settings.log_level, force=True)
    logging.captureWarnings(True)
    logging.getLogger("apscheduler").setLevel(max(logging.WARNING, logging.getLevelName(settings.log_level)))
    sys.excepthook = _log_uncaught
    sys.unraisablehook = lambda ended: _log_uncaught(ended.exc_type, ended.exc_value, ended.exc_traceback)
    threading.excepthook = lambda ended: _log_uncaught(ended.exc_type, ended.exc_value, ended.exc_traceback)


class WorkerLog(Middleware):
    """Does the same in each worker process, once Dramatiq has set up its own; marks what is logged while a task is
    performed, by whomever, with its ids."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def after_process_boot(self, broker: Broker) -> None:
        """Called in the new process, before it takes any message."""
        configure_logging("worker", self._settings)

    def before_process_message(self, broker: Broker, message: Delivery) -> None:  # type: ignore[override]
        """An attempt begins."""
        _performed.set(message)

    def after_ack(self, broker: Broker, message: MessageProxy) -> None:
        """It has ended, and Redis has its end."""
        _performed.set(None)

    def after_nack(self, broker: Broker, message: MessageProxy) -> None:
        """The same of one that has failed for good."""
        _performed.set(None)


def one_line(text: str) -> str:
    """`text` with everything in it visible: what is not printable (controls, ends of lines, what turns the direction of
    writing, half of a surrogate pair) is written as Python escapes it. Cut when it is too long for an entry."""
    if len(text) <= MAX_LINE_CHARACTERS and text.isprintable():
        return text
    visible = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text[:MAX_LINE_CHARACTERS]
    )
    is_whole = len(text) <= MAX_LINE_CHARACTERS and len(visible) <= MAX_LINE_CHARACTERS
    return visible if is_whole else visible[: MAX_LINE_CHARACTERS - 1] + "…"


def _tame(record: "Record", secrets: frozenset[str]) -> None:
    # loguru calls this for each entry before any format sees it. Its own traceback would hold the exception's raw text.
    record["message"] = one_line(without_secrets(record["message"], secrets))
    lines = _traceback_lines(record["exception"]) if record["exception"] else []
    record["extra"]["traceback"] = [one_line(without_secrets(line, secrets)) for line in lines]
    record["exception"] = None
    if performed := _performed.get():
        record["extra"].update(performed.marks)
    for mark in MARKS:
        if mark in record["extra"]:
            record["extra"][mark] = one_line(str(record["extra"][mark]))


def _text_format(record: "Record") -> str:
    # What this returns is a format, and may not hold what was logged: that could hold a format, too.
    marks = [f"{mark}={record['extra'][mark]} " for mark in MARKS if mark in record["extra"]]
    record["extra"]["marks"] = "".join(marks)
    record["extra"]["below"] = "".join(BELOW + line for line in record["extra"]["traceback"])
    return TEXT_FORMAT


def _json_format(record: "Record") -> str:
    fields = {
        "time": record["time"],
        "level": record["level"].name,
        "process": record["extra"]["process"],
        **{mark: record["extra"][mark] for mark in MARKS if mark in record["extra"]},
        "message": record["message"],
    }
    if lines := record["extra"]["traceback"]:
        fields["exception"] = "\n".join(lines)
    record["extra"]["json"] = to_json(fields).decode()
    return "{extra[json]}\n"


def _traceback_lines(exception: "RecordException") -> list[str]:
    """The last lines of what Python would print, each exception's text as one line, however many it has."""
    if exception.type is None or exception.value is None:
        return []
    lines = _lines(TracebackException(exception.type, exception.value, exception.traceback, compact=True))
    left_out = len(lines) - MAX_TRACEBACK_LINES
    return lines if left_out <= 0 else [f"({left_out} lines left out)", *lines[left_out:]]


def _lines(last: TracebackException) -> list[str]:
    chain = [(last, "")]
    while earlier := _before(chain[-1][0]):
        chain.append(earlier)
    lines: list[str] = []
    for error, what_followed in reversed(chain):
        lines += ["Traceback (most recent call last):"] if error.stack else []
        for frame in error.stack.format():
            lines += frame.splitlines()
        lines += (part.removesuffix("\n") for part in error.format_exception_only())
        for member in error.exceptions or ():
            lines += (f"  {line}" for line in _lines(member))
        lines += [what_followed] if what_followed else []
    return lines


def _before(error: TracebackException) -> tuple[TracebackException, str] | None:
    """The exception that led to this one, and how, in Python's words."""
    if error.__cause__:
        return error.__cause__, "The above exception was the direct cause of the following exception:"
    if error.__context__ and not error.__suppress_context__:
        return error.__context__, "During handling of the above exception, another exception occurred:"
    return None


def _log_uncaught(kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None) -> None:
    if issubclass(kind, SystemExit):  # of a thread: no error
        return
    logger.opt(exception=(kind, error, traceback)).critical("An error that nothing has caught: {}", kind.__name__)


class _Thinned(logging.Filter):
    """Of what Dramatiq's consumers say each time that they try in vain to reach Redis, three times a second, lets the
    same through only every `REPEAT_S`."""

    def __init__(self) -> None:
        super().__init__()
        self._passed_s: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(CONSUMERS):
            return True
        now_s, said = time.monotonic(), (record.name, str(record.msg))
        if now_s - self._passed_s.get(said, -REPEAT_S) < REPEAT_S:
            return False
        self._passed_s[said] = now_s
        return True


class _ToLoguru(logging.Handler):
    """Passes a record of the standard library's logging on, with its traceback; from loguru's documentation."""

    def handle(self, record: logging.LogRecord) -> bool:
        """Without the lock of a handler, as loguru has its own: a task that is interrupted where it logs something may
        be torn away between taking that lock and the `try` behind it, and nobody would ever log again."""
        passes = bool(self.filter(record))
        if passes:
            self.emit(record)
        return passes

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except Interrupt:  # of the task that logs this
            raise
        except BaseException as error:  # noqa: BLE001 - what is logged may be anything, and must not end who logs it
            text = f"{record.msg!r} cannot be filled in: {type(error).__name__}"
        level = record.levelname if record.levelname in KNOWN_LEVELS else record.levelno
        logger.opt(exception=record.exc_info).log(level, "{}", text)
