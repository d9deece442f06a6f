"""The durable way in: the same JSON, added to a Redis stream, waits there until it is taken in.

Any number of ingresses read the stream, as consumers of one group. An entry is acknowledged and removed in the step
that enqueues or answers its request; what a dead ingress has read and not taken in is claimed by another one.
"""

import time
from typing import Any
from uuid import uuid4

import redis
from loguru import logger

from ingress.crowd import BEHIND, Crowd
from ingress.intake import Intake, Received
from ingress.queue_bound import QueueBound
from transport.arrivals import GROUP, Origin
from transport.connection import StopRequest
from transport.line import Line
from transport.watchdog import Watchdog

#: The field of an entry that holds the request; where an entry has a single field, that one does, whatever its name.
FIELD = b"request"

#: The most entries that are read together.
COUNT = 256

#: How long a question for new entries stays with Redis.
QUESTION_S = 10.0

#: A question that is not answered this long after its time belongs to a connection that is gone.
GRACE_S = 5.0

#: How long a stopping reader takes to notice, while no entry comes.
SILENCE_S = 0.5

#: An entry that was read this long ago and is still there is taken over, and how often these are looked for.
ABANDONED_MS = 5_000
CLAIM_S = 5.0

#: A consumer that was not seen for so long is that of an ingress which is gone.
FORGET_MS = 3600 * 1000

#: How long entries are left in the stream, when a queue is full, until it is looked at again.
FULL_S = 0.1

#: How long is waited before each burst of a crowd, while other requests have to be sifted.
MEANWHILE_S = 0.02


class StreamReader:
    """Reads one stream until it is asked to stop, through every loss of the connection.

    Parameters:
        crowd: who waits on another stream while this one is behind; nobody when None.
    """

    def __init__(
        self,
        client: "redis.Redis",
        stream: str,
        intake: Intake,
        stop: StopRequest,
        bound: QueueBound,
        watchdog: Watchdog,
        crowd: Crowd | None = None,
    ) -> None:
        self._client = client
        self._line = Line(client)
        self._stream = stream
        self._consumer = uuid4().hex
        self._intake = intake
        self._stop = stop
        self._bound = bound
        self._watchdog = watchdog
        #: What the health of an ingress calls its reading.
        self.loop = f"stream {stream!r}"
        # An entry is the request of whoever could add it, and is kept until there is room: it is never shed.
        self._origin = Origin(stream=stream, group=GROUP, sheds=False)
        self._asked_s: float | None = None
        self._claim_due_s = 0.0
        self._crowd = crowd
        self._read_without_end = 0

    def run(self) -> None:
        """Returns once asked to stop; what it has read and not taken in by then stays in the stream."""
        while not self._stop.received:
            try:
                self._stop.until_redis_answers(self._create_group)
                self._forget_old_consumers()
                while not self._stop.received:
                    self._read()
                    self._watchdog.turned(self.loop)
            except redis.RedisError as error:
                self._watchdog.failed(self.loop, error)
                if not self._stop.received:
                    logger.warning("Lost stream {!r}, its entries wait there: {}", self._stream, error)
                    self._stop.pause(SILENCE_S)
            self._line.close()
            self._asked_s = None

    def _create_group(self) -> None:
        try:
            # From the first entry on: what was added before the first ingress started is to be taken in, too.
            self._client.xgroup_create(self._stream, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def _forget_old_consumers(self) -> None:
        for consumer in self._client.xinfo_consumers(self._stream, GROUP):
            # With something pending it is not to be forgotten: Redis would forget that as well.
            if consumer["pending"] == 0 and consumer["idle"] > FORGET_MS:
                self._client.xgroup_delconsumer(self._stream, GROUP, consumer["name"])

    def _read(self) -> None:
        if self._bound.is_any_full():
            self._stop.pause(FULL_S)
        elif burst := self._abandoned() or self._new():
            self._take(burst)

    def _take(self, burst: list[Received]) -> None:
        if self._crowd is None and self._intake.is_behind:
            # Python runs one thread at a time: most of it is to go to those who hear and sift.
            self._stop.pause(MEANWHILE_S)
        # How far behind it is nobody tells; but it is, when there was more than could be read so many times.
        self._read_without_end = self._read_without_end + COUNT if len(burst) == COUNT else 0
        if self._crowd is not None and self._read_without_end > BEHIND:
            self._intake.sift(burst, self._origin, self._crowd)
        else:
            self._intake.take(burst, self._origin)

    def _abandoned(self) -> list[Received]:
        if time.monotonic() < self._claim_due_s:
            return []
        claimed = self._client.xautoclaim(self._stream, GROUP, self._consumer, min_idle_time=ABANDONED_MS, count=COUNT)
        entries = claimed[1]
        if len(entries) < COUNT:
            self._claim_due_s = time.monotonic() + CLAIM_S
        return [_received(entry_id, fields) for entry_id, fields in entries]

    def _new(self) -> list[Received]:
        if self._asked_s is None:
            block_ms = int(QUESTION_S * 1000)
            words = ("XREADGROUP", "GROUP", GROUP, self._consumer, "COUNT", COUNT, "BLOCK", block_ms)
            self._line.send((*words, "STREAMS", self._stream, ">"))
            self._asked_s = time.monotonic()
        if not self._line.is_answered(SILENCE_S):
            if time.monotonic() - self._asked_s > QUESTION_S + GRACE_S:
                raise redis.TimeoutError(f"no answer about {self._stream!r} in {QUESTION_S + GRACE_S} s")
            return []
        self._asked_s = None
        answer: list[Any] = self._line.receive() or []
        return [
            _received(entry_id, dict(zip(pairs[::2], pairs[1::2], strict=True)))
            for _, entries in answer
            for entry_id, pairs in entries
        ]


def _received(entry_id: bytes, fields: dict[bytes, bytes]) -> Received:
    only = next(iter(fields.values()), b"") if len(fields) == 1 else b""
    return Received(fields.get(FIELD, only), entry_id.decode())
