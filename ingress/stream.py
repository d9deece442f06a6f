"""The durable way in: the same JSON, added to a Redis stream, waits there until it is taken in.

Any number of ingresses read the stream, as consumers of one group. An entry is acknowledged and deleted in the step
that enqueues or answers its request; what a dead ingress has read and not taken in is claimed by another one.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import redis
from loguru import logger

from ingress.intake import Intake, Received
from ingress.queue_bound import QueueBound
from transport.arrivals import GROUP, Origin
from transport.connection import StopRequest
from transport.line import Line
from transport.watchdog import Watchdog

#: For how long an XREADGROUP waits in Redis for new entries.
QUESTION_S = 10.0

#: When it is not answered this long after that time, its connection is lost.
GRACE_S = 5.0

#: How long a reader takes to notice that it should stop, while no entry comes.
SILENCE_S = 0.5

#: An entry that was read this long ago and is still pending is claimed; how often these are looked for; and how many
#: pending entries are seen through for each one that may be claimed, as XAUTOCLAIM does.
ABANDONED_MS = 5_000
CLAIM_S = 5.0
SEEN_PER_CLAIM = 10

#: A consumer that was not seen for so long belonged to an ingress that is gone.
FORGET_MS = 3600 * 1000

#: How often a full queue is looked at, while entries are left in the stream.
FULL_S = 0.1


class StreamReader(ABC):
    """Reads one stream until it is asked to stop, through every loss of the connection."""

    def __init__(
        self,
        client: "redis.Redis",
        stream: str,
        intake: Intake,
        stop: StopRequest,
        bound: QueueBound,
        watchdog: Watchdog,
    ) -> None:
        self._client = client
        self._line = Line(client)
        self.stream = stream
        self._consumer = uuid4().hex
        self.intake = intake
        self.stop = stop
        self.bound = bound
        self.watchdog = watchdog
        #: What the health of an ingress calls its reading.
        self.loop = f"stream {stream!r}"
        # An entry stays in the stream until there is room: it is never shed.
        self._origin = Origin(stream=stream, group=GROUP, sheds=False)
        self._asked_s: float | None = None
        self._asked_count = 0
        self._claim_due_s = 0.0
        #: Whether the last answer had as many entries as were asked for.
        self.has_more = False

    @property
    @abstractmethod
    def count(self) -> int:
        """The most entries that are read together."""

    @abstractmethod
    def requests_in(self, fields: dict[bytes, bytes]) -> Iterable[bytes]:
        """The requests in an entry. They are taken in together, which acknowledges the entry."""

    @abstractmethod
    def take(self, burst: list[Received], origin: Origin) -> None:
        """Takes in what was read."""

    def wait_for_room(self, origin: Origin) -> None:
        """Lets some time pass while a queue is full."""
        self.stop.pause(FULL_S)

    def run(self) -> None:
        """Returns once asked to stop; entries that are not taken in by then stay in the stream."""
        while not self.stop.received:
            try:
                self.stop.until_redis_answers(self._create_group)
                self._forget_old_consumers()
                while not self.stop.received:
                    self._read()
                    self.watchdog.turned(self.loop)
            except redis.RedisError as error:
                self.watchdog.failed(self.loop, error)
                if not self.stop.received:
                    logger.warning("Lost stream {!r}, its entries wait there: {}", self.stream, error)
                    self.stop.pause(SILENCE_S)
            self.hang_up()

    def hang_up(self) -> None:
        """Ends the connections; the next question opens them again."""
        self._line.close()
        self._asked_s = None

    def _create_group(self) -> None:
        try:
            # From the first entry on: what was added before the first ingress started is taken in, too.
            self._client.xgroup_create(self.stream, GROUP, id="0", mkstream=True)
        except redis.OutOfMemoryError:
            # Redis says so before it looks whether the group is there. If it is, the stream can be read, which empties
            # it.
            if GROUP.encode() not in [group["name"] for group in self._client.xinfo_groups(self.stream)]:
                raise
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def _forget_old_consumers(self) -> None:
        for consumer in self._client.xinfo_consumers(self.stream, GROUP):
            # Not one with pending entries: Redis would forget those as well.
            if consumer["pending"] == 0 and consumer["idle"] > FORGET_MS:
                self._client.xgroup_delconsumer(self.stream, GROUP, consumer["name"])

    def _read(self) -> None:
        if self.bound.is_any_full():
            self.wait_for_room(self._origin)
        elif burst := self._abandoned() or self._new():
            self.take(burst, self._origin)

    def _abandoned(self) -> list[Received]:
        if time.monotonic() < self._claim_due_s:
            return []
        # Not XAUTOCLAIM, which is one command, but came with Redis 6.2. What another reader claims in between, XCLAIM
        # leaves out.
        count = self.count
        seen = SEEN_PER_CLAIM * count
        pending: list[Any] = self._client.xpending_range(self.stream, GROUP, min="-", max="+", count=seen)
        abandoned = [entry["message_id"] for entry in pending if entry["time_since_delivered"] >= ABANDONED_MS][:count]
        self.has_more = len(abandoned) == count
        if not self.has_more:
            self._claim_due_s = time.monotonic() + CLAIM_S
        if not abandoned:
            return []
        claimed: list[Any] = self._client.xclaim(self.stream, GROUP, self._consumer, ABANDONED_MS, abandoned)
        return self.received(claimed)

    def _new(self) -> list[Received]:
        if self._asked_s is None:
            self._asked_count = self.count
            block_ms = int(QUESTION_S * 1000)
            words = ("XREADGROUP", "GROUP", GROUP, self._consumer, "COUNT", self._asked_count, "BLOCK", block_ms)
            self._line.send((*words, "STREAMS", self.stream, ">"))
            self._asked_s = time.monotonic()
        if not self._line.is_answered(SILENCE_S):
            if time.monotonic() - self._asked_s > QUESTION_S + GRACE_S:
                raise redis.TimeoutError(f"no answer about {self.stream!r} in {QUESTION_S + GRACE_S} s")
            return []
        self._asked_s = None
        answer: list[Any] = self._line.receive() or [(self.stream, [])]
        ((_, entries),) = answer
        self.has_more = len(entries) == self._asked_count
        return self.received((entry_id, fields_of(pairs)) for entry_id, pairs in entries)

    def received(self, entries: Iterable[tuple[bytes | None, dict[bytes, bytes]]]) -> list[Received]:
        """The requests in these entries."""
        return [
            (request, entry_id.decode())
            for entry_id, fields in entries
            # Redis 6 claims even entries that are deleted, and returns None for each.
            if entry_id is not None
            for request in self.requests_in(fields)
        ]


def fields_of(pairs: list[bytes]) -> dict[bytes, bytes]:
    """The fields of an entry as Redis sends them: each name, and its value behind it."""
    return dict(zip(pairs[::2], pairs[1::2], strict=True))
