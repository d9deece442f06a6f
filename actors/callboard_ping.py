"""Whether Callboard is there, and where a request waits on its way to a worker."""

import time
from typing import Annotated

from pydantic import BaseModel, Field, FiniteFloat

from task import task
from transport.messages import Delivery
from version import VERSION

#: A worker process declares its tasks once, right after its start.
_STARTED_S = time.monotonic()

UnixMs = Annotated[float, Field(ge=0, examples=[1764021600000])]


class Waiting(BaseModel):
    """Where a request waited, in ms, step by step.

    The first two are differences of two processes' wall clocks: between two machines they are off by as much as the
    clocks are, and may be below 0. `prefetched_ms` is of one clock.
    """

    #: From the client's sending to the ingress's reading. None where the client did not say when it sent.
    to_ingress_ms: Annotated[FiniteFloat | None, Field(examples=[0.4])]
    #: From there to a worker's fetching: the way to the queue and the time on it, that of `delay_ms` and of other
    #: workers' attempts included.
    queued_ms: Annotated[FiniteFloat, Field(examples=[1.2])]
    #: From there to the beginning: in the worker process, until one of its threads was free.
    prefetched_ms: Annotated[FiniteFloat, Field(examples=[0.1])]


class Pong(BaseModel):
    """What the worker that has answered says of itself, and of the way to it."""

    version: Annotated[str, Field(examples=[VERSION])]
    uptime_s: Annotated[FiniteFloat, Field(examples=[3600.5])]
    waited: Waiting


@task(name="callboard.ping")
def ping(sent_at_ms: UnixMs | None = None) -> Pong:
    """Answers with the worker's version and uptime, and how long the request waited at each step.

    `sent_at_ms` is when the client sends it, in ms since 1970 by its own clock.
    """
    uptime_s = round(time.monotonic() - _STARTED_S, 3)
    return Pong(version=VERSION, uptime_s=uptime_s, waited=_waiting(Delivery.current(), sent_at_ms))


def _waiting(delivery: Delivery, sent_at_ms: float | None) -> Waiting:
    began_s = delivery.started_s or time.perf_counter()
    prefetched_ms = (began_s - delivery.fetched_s) * 1000
    fetched_at_ms = time.time() * 1000 - (time.perf_counter() - delivery.fetched_s) * 1000
    received_at_ms = delivery.message_timestamp
    return Waiting(
        to_ingress_ms=None if sent_at_ms is None else round(received_at_ms - sent_at_ms, 3),
        queued_ms=round(fetched_at_ms - received_at_ms, 3),
        prefetched_ms=round(prefetched_ms, 3),
    )
