"""What a task says of itself while it runs."""

import math

from dramatiq.middleware import CurrentMessage

from transport.bulletin import Report
from transport.messages import Delivery


def progress(done: float, total: float, message: str | None = None) -> None:
    """Tells whoever follows the events how far the task that calls this has come, in whatever unit it counts.

    May be called as often as one likes: at most ten events a second come of it; the last one before the task ends and
    the one that says `total` of `total` always do. Outside of a worker, as in a test that calls a task, it does
    nothing.

    Raises:
        ValueError: a number is infinite or none at all.
    """
    if not (math.isfinite(done) and math.isfinite(total)):
        raise ValueError(f"progress({done}, {total}): both should be finite numbers")
    delivery = CurrentMessage.get_current_message()
    if isinstance(delivery, Delivery):
        delivery.bulletin.report(Report(done, total, message))
