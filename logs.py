"""How Callboard's processes log: loguru on standard error, and the libraries' own logging through it."""

import logging
import sys

from dramatiq import Broker
from dramatiq.middleware import Middleware
from loguru import logger

FORMAT = "<green>{time:YYYY-MM-DD HH:mm:ss.SSS}</green> <level>{level: <8}</level> {extra[process]} {message}"

#: A library may have levels of its own, which loguru takes by their number only.
KNOWN_LEVELS = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}

#: A line that quotes a request must not grow with it.
MAX_LINE_CHARACTERS = 2_000


def configure_logging(process: str, level: str) -> None:
    """Sets up this process's log, each line marked with `process`, from `level` on."""
    logger.remove()
    # diagnose would print the values of variables in tracebacks, and a password may be among them.
    logger.add(sys.stderr, format=FORMAT, level=level, diagnose=False, backtrace=False)
    logger.configure(extra={"process": process})
    logging.basicConfig(handlers=[_ToLoguru()], level=level, force=True)
    logging.getLogger("apscheduler").setLevel(max(logging.WARNING, logging.getLevelName(level)))


class WorkerLog(Middleware):
    """Does the same in each worker process, once Dramatiq has set up its own."""

    def __init__(self, level: str) -> None:
        self._level = level

    def after_process_boot(self, broker: Broker) -> None:
        """Called in the new process, before it takes any message."""
        configure_logging("worker", self._level)


class _ToLoguru(logging.Handler):
    """Passes a record of the standard library's logging on, with its traceback; from loguru's documentation."""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()[:MAX_LINE_CHARACTERS]
        level = record.levelname if record.levelname in KNOWN_LEVELS else record.levelno
        logger.opt(exception=record.exc_info).log(level, "{}", text)
