"""A load: one thread publishes requests, another one hears the outcomes; both find back to Redis by themselves."""

import json
import shutil
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import hiredis
import redis

from bench.wire import Wire, packed
from tests.faults.ledger import Account, Fate, Ledger, runs_in
from tests.faults.remains import left_over
from tests.faults.workloads import Workload

#: The most requests that are published in one round trip.
BATCH = 64

#: How long Redis may take to answer the load: longer than any fault that only delays it.
PATIENCE_WITH_REDIS_S = 30.0

#: How long a client waits for a replica to have what it has sent.
REPLICATION_MS = 1000

#: How long the load goes on listening when everything is answered, for a second answer.
AFTERWARDS_S = 0.5


class Way(Enum):
    """How a request is sent."""

    CHANNEL = (b"PUBLISH", b"tasks")
    STREAM = (b"XADD", b"tasks:stream", b"*", b"request")


class Load:
    """Requests of one workload on one Redis, from when the context begins until they are counted.

    Parameters:
        url: says where Redis is now.
        rate_per_s: how many are published a second; as many as `window` allows when None.
        window: how many may be unanswered.
        ways: how each is sent; in several ways, or in one several times, it is the same request all the same.
        waits_for_replica: a request counts as accepted only when WAIT says that a replica has it, too.
        heard_by: one on the channel counts only when so many ingresses have heard it.
    """

    def __init__(
        self,
        url: Callable[[], str],
        workload: Callable[[Path], Workload],
        *,
        rate_per_s: float | None = None,
        window: int = 256,
        ways: Sequence[Way] = (Way.CHANNEL,),
        waits_for_replica: bool = False,
        heard_by: int = 1,
    ) -> None:
        self.ledger = Ledger()
        self._url = url
        self._tally = Path(tempfile.mkdtemp(prefix="callboard-tally-"))
        self._workload = workload(self._tally)
        self._rate_per_s = rate_per_s
        self._window = window
        self._ways = ways
        self._waits_for_replica = waits_for_replica
        self._heard_by = heard_by
        self._stop = threading.Event()
        self._enough = threading.Event()
        self._listening = threading.Event()
        self._was_deaf = False
        self._publisher = threading.Thread()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        #: When each fault began and ended.
        self.faults: list[tuple[float, float]] = []

    def publish(self, count: int) -> None:
        """Starts to publish so many in the background, or goes on until `stop_publishing`."""
        if self._publisher.ident is not None:
            self._publisher.join()
        self._enough.clear()
        self._publisher = threading.Thread(target=self._publish, args=[count], daemon=True)
        self._publisher.start()

    def repeat(self, patience_s: float) -> None:
        """Publishes all requests again on the channel; returns when each was answered again, as such, or waits."""
        before, since_s = self.ledger.replayed, time.monotonic()
        wire = Wire(self._url(), PATIENCE_WITH_REDIS_S)
        for number in range(self.ledger.sent):
            wire.send(packed(*Way.CHANNEL.value, self._request(number)))
            wire.receive()
        wire.close()
        while self.ledger.replayed - before < self.ledger.sent and time.monotonic() - since_s < patience_s:
            time.sleep(0.05)

    def stop_publishing(self) -> None:
        """Publishes no more."""
        self._enough.set()

    def is_publishing(self) -> bool:
        """Whether not everything is published yet."""
        return self._publisher.is_alive()

    def describe(self, number: int) -> str:
        """A request, for somebody who looks for it."""
        request = self._workload(number)
        words = request["parameters"] | request
        told = [f"{name}={words[name]}" for name in ("times", "delay_ms", "number") if name in words]
        return f"{request['task_type']}({', '.join(told)})"

    def runs(self) -> Counter[int]:
        """How often each request has run so far, whichever attempt."""
        return Counter(number for number, *_ in runs_in(self._tally))

    def note_fault(self, began_s: float) -> None:
        """Notes a fault that began then and is over now."""
        self.faults.append((began_s, time.monotonic()))

    def wait_until_answering(self, patience_s: float) -> None:
        """Returns when a request is answered that is sent from now on, or after so long without."""
        first, deadline_s = self.ledger.sent, time.monotonic() + patience_s
        while self.ledger.newest_answered < first and time.monotonic() < deadline_s:
            time.sleep(0.01)

    def settle(self, patience_s: float) -> Account:
        """Counts, once everything is published and answered and no message is left, or nothing has changed for so
        long."""
        self._publisher.join()
        with redis.Redis.from_url(self._url()) as client:
            state, since_s = (-1, -1), time.monotonic()
            while state != (0, 0) and time.monotonic() - since_s < patience_s:
                before, state = state, (self.ledger.outstanding, left_over(client))
                if state != before:
                    since_s = time.monotonic()
                time.sleep(0.05)
            time.sleep(AFTERWARDS_S)
            self.find_stored(client)
            return self.ledger.account(self._tally, left_over(client))

    def find_stored(self, client: "redis.Redis") -> None:
        """Reads the outcomes that Redis has kept, if some were published while the listener was cut off."""
        if not self._was_deaf:
            return
        self._was_deaf = False
        keys = list(client.scan_iter("callboard:outcome:*", count=1000))
        for start in range(0, len(keys), 1000):
            for payload in client.mget(keys[start : start + 1000]):
                if payload:
                    self.ledger.find(payload)

    def recovery_s(self) -> float:
        """The longest that it took, from the end of a fault, until all requests from before that were answered."""
        times_s = [(self.ledger.settled_s(ended_s) or ended_s) - ended_s for _, ended_s in self.faults]
        return max([0.0, *times_s])

    def redelivery_s(self) -> float:
        """The longest that it took, from the begin of a fault, until a run was begun again that it had ended."""
        begun_s: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
        for number, attempt, began_s in runs_in(self._tally):
            begun_s[number, attempt].append(began_s)
        times_s = [0.0]
        for runs_s in begun_s.values():
            for before_s, again_s in pairwise(sorted(runs_s)):
                times_s += [again_s - fault_s for fault_s, _ in self.faults if before_s < fault_s < again_s][:1]
        return max(times_s)

    def _publish(self, count: int) -> None:
        wire = None
        started_s = time.monotonic()
        first = self.ledger.sent
        while (published := self.ledger.sent - first) < count and not self._enough.is_set():
            room = self._window - self.ledger.outstanding
            if (batch := min(self._due(started_s, count) - published, room, BATCH)) < 1:
                time.sleep(0.001)
                continue
            numbers = self.ledger.open(batch)
            try:
                wire = wire or Wire(self._url(), PATIENCE_WITH_REDIS_S)
                self._send(wire, list(numbers))
            except OSError:
                if wire is not None:
                    wire.close()
                wire = None
                time.sleep(0.05)
        if wire is not None:
            wire.close()

    def _due(self, started_s: float, count: int) -> int:
        """How many of `count` requests are to be published by now."""
        if self._rate_per_s is None:
            return count
        return min(count, int((time.monotonic() - started_s) * self._rate_per_s))

    def _send(self, wire: Wire, numbers: list[int]) -> None:
        undecided = [number for number in numbers[::-1] for _ in self._ways]
        try:
            wire.send(b"".join([packed(*way.value, self._request(number)) for number in numbers for way in self._ways]))
            for reply in self._replies(wire, len(undecided)):
                self.ledger.decide(undecided.pop(), self._fate(reply))
        finally:
            for number in undecided:
                self.ledger.decide(number, Fate.UNSURE)

    def _fate(self, reply: Any) -> Fate:
        if isinstance(reply, hiredis.ReplyError) or reply == 0:
            return Fate.UNHEARD
        return Fate.UNSURE if isinstance(reply, int) and reply < self._heard_by else Fate.ACCEPTED

    def _replies(self, wire: Wire, count: int) -> Iterator[Any]:
        """Redis's replies as they come; or, where a replica is waited for, all of them when it has what they are about,
        and none if it has not."""
        replies = _received(wire, count)
        if self._waits_for_replica:
            replies = iter(list(replies))
            if not _has_replicated(wire):
                return
        yield from replies

    def _request(self, number: int) -> bytes:
        return json.dumps({"user_id": self.ledger.user_id(number)} | self._workload(number)).encode()

    def _listen(self) -> None:
        wire = None
        while not self._stop.is_set():
            try:
                if wire is None:
                    wire = Wire(self._url(), 0.2)
                    wire.send(packed(b"SUBSCRIBE", b"results"))
                for reply in wire.receive():
                    self._take(reply)
            except TimeoutError:
                continue
            except OSError:
                self._was_deaf = True
                if wire is not None:
                    wire.close()
                wire = None
                time.sleep(0.01)
        if wire is not None:
            wire.close()

    def _take(self, reply: Any) -> None:
        if isinstance(reply, hiredis.ReplyError):  # LOADING, for one
            raise ConnectionError(str(reply))
        kind, _, payload = reply
        if kind == b"message":
            self.ledger.hear(payload)
        else:
            self._listening.set()

    def __enter__(self) -> Self:
        self._listener.start()
        assert self._listening.wait(PATIENCE_WITH_REDIS_S), "no Redis to listen on"
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._stop.set()
        if self._publisher.ident is not None:
            self._publisher.join()
        self._listener.join()
        shutil.rmtree(self._tally)


def _received(wire: Wire, count: int) -> Iterator[Any]:
    while count > 0:
        replies = wire.receive()
        count -= len(replies)
        yield from replies


def _has_replicated(wire: Wire) -> bool:
    """Whether a replica has all that was sent on this connection."""
    wire.send(packed(b"WAIT", b"1", b"%d" % REPLICATION_MS))
    (replicas,) = wire.receive()
    return isinstance(replicas, int) and replicas > 0
