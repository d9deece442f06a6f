"""What is beneath `CallboardClient`: the connections, and waiting in a thread."""

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from weakref import WeakSet

import redis

from client.desk import Desk, pages
from client.doubt import Doubt
from client.errors import ClientClosedError
from client.listener import Listener
from client.place import CLOSED, Place, is_cluster, nobody_listens, sent_by_another_process
from client.request import Composed, Key
from client.waiter import LAST, Waiter
from contract import TaskEvent, TaskOutcome
from errors import CallboardError
from transport.connection import connect


class BlockingWaiter(Waiter):
    """Waits in a thread."""

    def __init__(self, key: Key) -> None:
        super().__init__(key)
        self._changed = threading.Condition()
        self._pid = os.getpid()

    def wait(self, condition: Callable[[], bool], deadline_s: float) -> bool:
        """Whether the condition came true before the deadline, a time of `time.monotonic`. In a forked process nothing
        comes any more, and the waiter gives up."""
        if os.getpid() != self._pid:
            # Without the lock: a thread may have had it at the fork that is not here to give it back.
            self.failure = self.failure or sent_by_another_process(self.key)
            return condition()
        with self._changed:
            # A wait may not be longer than threading.TIMEOUT_MAX.
            return self._changed.wait_for(condition, min(deadline_s - time.monotonic(), threading.TIMEOUT_MAX))

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


class Connection:
    """Sends requests to one Callboard, and hears what becomes of them. Thread-safe. In a forked process it starts anew,
    and leaves the connections of the other process alone."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._begin()
        self._is_closed = False
        _connections.add(self)

    def start_anew(self) -> None:
        """To be called in a process that was just forked: what the other one has goes on there."""
        self._listener.abandon()
        _abandoned.append(self._redis)
        self._begin()

    def send(self, request: Composed, *, durable: bool, events: bool) -> BlockingWaiter:
        """Sends a request and returns who waits for it, subscribed before.

        Raises:
            NobodyListensError, RedisAwayError, ClientClosedError
        """
        channels = self.place.redis.channels
        with self.place.errors(lambda: self._is_closed):
            self._listener.hear(self.place.outcomes)
            if request.is_named and self._desk.may_look:
                self._desk.take_old(request.key, self._kept(request.key))
            waiter = self._desk.enter(request.key)
            if events:
                self.watch(waiter)
            if durable:
                self._redis.xadd(self.place.stream, {"request": request.data})
            elif not self._reaches(channels.tasks_queue, request.data):
                raise nobody_listens(channels.tasks_queue)
        return waiter

    def watch(self, waiter: BlockingWaiter, deadline_s: float = math.inf) -> None:
        """From now on its events are heard, too; or, when that takes until the deadline, from later on."""
        waiter.wants_events = True
        with self.place.errors(lambda: self._is_closed):
            self._listener.hear(self.place.redis.channels.events, deadline_s)

    def cancel(self, message: bytes) -> None:
        """Publishes a control message.

        Raises:
            NobodyListensError, RedisAwayError, ClientClosedError
        """
        channel = self.place.redis.channels.control
        with self.place.errors(lambda: self._is_closed):
            if not self._reaches(channel, message):
                raise nobody_listens(channel)

    def outcome(self, waiter: BlockingWaiter, timeout_s: float) -> TaskOutcome:
        """The outcome; when it was not heard in time, it is looked for where it is kept."""
        self._wait(waiter, lambda: waiter.is_over, time.monotonic() + timeout_s)
        return waiter.ending()

    def events(self, waiter: BlockingWaiter, timeout_s: float) -> Iterator[TaskEvent]:
        """The events, up to the last one; when that was not heard in time, the outcome is looked for where it is
        kept."""
        deadline_s = time.monotonic() + timeout_s
        self.watch(waiter, deadline_s)
        return self._events(waiter, deadline_s)

    def _events(self, waiter: BlockingWaiter, deadline_s: float) -> Iterator[TaskEvent]:
        for number in count():
            self._wait(waiter, partial(waiter.has_event, number), deadline_s)
            if (event := waiter.event(number)) is None:
                continue
            yield event
            if event.event in LAST:
                return

    def close(self) -> None:
        """Hangs up; who still waits is told."""
        self._is_closed = True
        self._listener.close()
        self._desk.close(ClientClosedError(CLOSED))
        self._redis.close()

    def _begin(self) -> None:
        self._redis = connect(self.place.redis.connection_url, self.place.redis.key_prefix)
        self._desk: Desk[BlockingWaiter] = Desk(BlockingWaiter)
        self._doubt = Doubt(self.place, self._desk)
        self._listener = Listener(self._redis, partial(self._desk.take, self.place), self._fetch_missed)

    def _wait(self, waiter: BlockingWaiter, condition: Callable[[], bool], deadline_s: float) -> None:
        looked_s = -math.inf
        for pause_s in self._doubt.pauses():
            if (look_s := time.monotonic() + pause_s) >= deadline_s or waiter.wait(condition, look_s):
                break
            if self._doubt.is_due():
                self._fetch_missed()
                looked_s = time.monotonic()
                if condition():
                    self._doubt.was_right()
        # Where that look has taken until now, Redis says nothing, and another one would take as long.
        if not waiter.wait(condition, deadline_s) and looked_s < deadline_s:
            self._fetch([waiter])

    def _kept(self, key: Key) -> object:
        try:
            return self._redis.get(self.place.kept_at(key))
        except redis.ResponseError as error:  # this user may not, or it is on another node of a cluster
            return error

    def _fetch_missed(self) -> bool:
        """Whether Redis has answered for all who wait."""
        return all(self._fetch(waiters) for waiters in pages(self._desk.outstanding()))

    def _fetch(self, waiters: Sequence[BlockingWaiter]) -> bool:
        # Where it cannot be read, on another node of a cluster for instance, there is still what is heard.
        try:
            with self.place.errors(lambda: self._is_closed), self._redis.pipeline(transaction=False) as pipeline:
                for waiter in waiters:
                    pipeline.get(self.place.kept_at(waiter.key))
                return self._desk.take_kept(pipeline.execute(raise_on_error=False))
        except CallboardError:
            return False

    def _reaches(self, channel: str, data: bytes) -> bool:
        """Publishes; whether anybody heard that, where Redis knows."""
        return bool(self._redis.publish(channel, data)) or self._is_cluster()

    def _is_cluster(self) -> bool:
        try:
            return is_cluster(self._redis.execute_command("HELLO"))
        except redis.ResponseError:  # a Redis before 6.0, or a user without the right
            return False


#: All of this process.
_connections: WeakSet[Connection] = WeakSet()

#: Those of the processes that this one was forked from. Never closed, which redis-py does when they are forgotten: its
#: pool has a lock, which a thread of the other process may have had at the fork.
_abandoned: "list[redis.Redis]" = []


def _start_all_anew() -> None:
    for connection in _connections:
        connection.start_anew()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_start_all_anew)
