"""What a task tells of itself while it runs."""

import math

from dramatiq.middleware import CurrentMessage

from transport.bulletin import Report
from transport.messages import Delivery


def progress(done: float, total: float, message: str | None = None) -> None:
    """Tells whoever follows the events how far the calling task has come, in whatever unit it counts.

    May be called as often as you like: at most ten events a second come of it, always with the last report before the
    task ends and the one that says `total` of `total`. Outside of a worker, as in a test that calls a task, it does
    nothing.

    Raises:
        ValueError: one of the two is infinite or not a number.
        TypeError: one of the two is something else, or the message is no text. Raised here, and not where the event is
            made, which for all tasks of this process one thread does.
    """
    if not (math.isfinite(done) and math.isfinite(total)):
        raise ValueError(f"progress({done}, {total}): both should be finite numbers")
    if not (message is None or isinstance(message, str)):
        raise TypeError(f"progress({done}, {total}, {message!r:.100}): the message should be a text or None")
    delivery = CurrentMessage.get_current_message()
    if isinstance(delivery, Delivery):
        delivery.bulletin.report(Report(_number(done), _number(total), message))


def _number(value: float) -> float:
    """As JSON has it: a boolean is none there, and a decimal would be a text."""
    return int(value) if isinstance(value, int) else float(value)
