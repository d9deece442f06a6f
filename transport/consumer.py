"""How a worker's messages come in and go out, as Dramatiq's consumer thread sees it."""

import threading
import time
from collections import deque
from collections.abc import Collection, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, cast

import redis
import tenacity
from dramatiq import Message
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.common import current_millis
from dramatiq.errors import ConnectionClosed
from loguru import logger

from transport.appetite import MOMENT_S, MOST, Appetite
from transport.completion import NO_SUCCESSOR, Completion, Ending
from transport.dead_letters import letter_of, letter_with_reason
from transport.feed import Feed, Fetched
from transport.in_hand import NEVER, InHand
from transport.messages import UNDECODABLE, Delivery
from transport.permit import KEPT_S, REST_S, Permit
from transport.pulse import Pulse
from transport.recovery import HORIZON_MS, NEAR_HORIZON_MS, is_delay_queue
from transport.suspects import Suspects
from transport.watchdog import Watchdog

#: How long to wait for other messages while a suspect waits for those before it to end.
SUSPECT_PAUSE_S = 0.02

#: While a single message is in hand, nothing is asked for so long, unless it ends before. To ask takes about as long as
#: a short task does, and while this thread asks, no other one has Python's lock.
HEAD_START_S = 0.001

#: A later time, in Unix ms, is taken to be this one: Redis keeps it as a float.
LATEST_MS = 1e15

#: Dramatiq waits 5 s before it tries an acknowledgement again, and a client would wait as long for its outcome. So the
#: next attempts are made here, over about that time.
_insistently = tenacity.Retrying(
    retry=tenacity.retry_if_exception_type(redis.RedisError),
    wait=tenacity.wait_exponential(0.05, 1.0),
    stop=tenacity.stop_after_attempt(9),
    reraise=True,
)


def loop_of(queue_name: str) -> str:
    """What the health of a worker calls the consumer of a queue."""
    return f"queue {queue_name!r}"


class BlockingConsumer(Consumer):
    """Hands out the messages of one queue, as many at once as `appetite` says.

    The stock consumer sleeps longer and longer while its queue is empty, up to a second; this one has Redis wake it.
    `ack` and `nack` are called by the worker threads, everything else by the consumer's own thread. They are given
    nothing but the `Delivery`s that it has handed out.
    """

    def __init__(  # noqa: PLR0913 - what the consumers of a worker share, and what each has for itself
        self,
        feed: Feed,
        completion: Completion,
        pulse: Pulse,
        watchdog: Watchdog,
        *,
        in_hand: InHand,
        permit: Permit,
        suspects: Suspects,
        appetite: Appetite,
        timeout_ms: int,
    ) -> None:
        self._queue_name = feed.queue_name
        # Only there may messages that are due much later be laid aside: from other queues they would not come back in
        # time.
        self._is_delay_queue = is_delay_queue(feed.queue_name)
        self._feed = feed
        self._completion = completion
        self._pulse = pulse
        self._watchdog = watchdog
        self._loop = loop_of(feed.queue_name)
        self._in_hand = in_hand
        self._permit = permit
        self._suspects = suspects
        self._appetite = appetite
        self._timeout_s = timeout_ms / 1000
        self._fetched: deque[Fetched] = deque()
        self._room = threading.Event()
        self._began = False

    def __next__(self) -> MessageProxy | None:
        try:
            if not (self._fetched or self._suspects.want_quiet() or self._suspects.seek_turn()):
                self._begin()
                self._fetch()
            if self._suspects.want_quiet():
                self._keep_quiet()
            delivery = self._next_fetched() or self._next_suspect()
        except redis.RedisError as error:
            self._watchdog.failed(self._loop, error)
            raise ConnectionClosed(error) from None
        self._watchdog.turned(self._loop)
        return delivery

    def ack(self, message: MessageProxy) -> None:
        """Acknowledges a message that is done, and sends its answer in the same step."""
        self._complete(message, dead=False)

    def nack(self, message: MessageProxy) -> None:
        """The same for one that failed for good: it becomes a dead letter."""
        self._complete(message, dead=True)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Puts messages that no task has begun back on the queue, with whatever else is not in hand."""
        given_back = [cast(Delivery, message).redis_message_id for message in messages]
        for redis_message_id in given_back:
            self._in_hand.remove(redis_message_id)
        self._fetched.clear()
        self._suspects.clear()
        self._permit.release()
        try:
            self._put_back(given_back)
        except redis.RedisError as error:
            raise ConnectionClosed(error) from None

    def close(self) -> None:
        """Ends the wait for messages."""
        self._feed.close()
        self._permit.release()

    @property
    def prefetch(self) -> int:
        """How many messages, at most, are in hand or waiting to be handed out."""
        return self._appetite.size()

    def _begin(self) -> None:
        # After a lost connection Dramatiq starts the consumer anew, and has forgotten its delayed messages (its issue
        # 527). To Redis they, and what the lost connection has swallowed, are still this worker's.
        if not self._began:
            # Before it takes a message, or nobody would notice if the worker died with it.
            self._pulse.work_for(self._queue_name)
            self._in_hand.remove_delayed()
            self._feed.put_back(tuple(self._in_hand))
            self._began = True

    def _fetch(self) -> None:
        self._room.clear()
        if len(self._in_hand) == 1 and not self._feed.is_asking:
            self._room.wait(HEAD_START_S)
            self._room.clear()
        room = self.prefetch - len(self._in_hand) - len(self._suspects)
        if room <= 0 and self._is_delay_queue:
            # What is due next may stand behind these. From now on only what is due soon is held besides.
            room = min(MOST, 2 * self._appetite.prefetch - len(self._in_hand))
        elif room < 0 and self._appetite.is_exceeded_by(len(self._in_hand)):
            self._give_back(-room)
        timeout_s = self._longest_wait_s()
        # A question that Redis has already may be answered at any moment.
        if self._feed.is_asking or (room > 0 and self._permit.allows()):
            self._fetched.extend(self._feed.fetch(max(1, room), timeout_s))
        elif room > 0:
            time.sleep(min(timeout_s, REST_S))
        elif not self._room.wait(min(timeout_s, KEPT_S) if self._permit.is_held else timeout_s):
            self._permit.release()

    def _keep_quiet(self) -> None:
        """Waits without a question, so that nothing is begun beside a suspect; others may have what waits besides."""
        if self._suspects.keep_one() or self._fetched or self._feed.is_asking:
            self._fetched.clear()
            self._put_back()
        if not self._suspects.seek_turn():
            self._room.wait(SUSPECT_PAUSE_S)
            self._room.clear()

    def _longest_wait_s(self) -> float:
        longest_s = SUSPECT_PAUSE_S if self._suspects else self._timeout_s
        if len(self._in_hand) > self._appetite.threads and not self._is_delay_queue:
            longest_s = min(longest_s, MOMENT_S)
        return max(0.0, min(longest_s, (self._in_hand.next_due_ms - current_millis()) / 1000))

    def _give_back(self, count: int) -> None:
        """Lets other workers have messages that were fetched when tasks were shorter than they are now."""
        if withdrawn := self._in_hand.withdraw(count):
            self._put_back(withdrawn)

    def _put_back(self, let_go: Collection[str] = ()) -> None:
        # First: a reply that is on its way must not bring messages that are put back here.
        self._feed.close()
        suspects = (fetched.redis_message_id for fetched in self._suspects)
        self._feed.put_back((*self._in_hand, *suspects), let_go=let_go)

    def _next_fetched(self) -> Delivery | None:
        horizon_ms = HORIZON_MS if len(self._in_hand) < self._appetite.prefetch else NEAR_HORIZON_MS
        far: list[tuple[float, str]] = []
        delivery: Delivery | None = None
        while self._fetched and delivery is None:
            fetched = self._fetched.popleft()
            if fetched.begun:
                self._suspects.add(fetched)
            elif (delivery := self._open(fetched)) and self._is_delay_queue:
                due_ms = _due_ms(delivery)
                if current_millis() + horizon_ms < due_ms < NEVER:
                    far.append((due_ms, fetched.redis_message_id))
                    delivery = None
        if far:
            self._feed.postpone(far)
        if delivery is not None:
            self._in_hand.add(delivery.redis_message_id, _due_ms(delivery))
        return delivery

    def _next_suspect(self) -> Delivery | None:
        fetched = self._suspects.take()
        if fetched is None:
            return None
        delivery = self._open(fetched) if self._feed.count_beginning(fetched.redis_message_id) else None
        if delivery is None:
            self._suspects.note_dropped(fetched)
            return None
        self._in_hand.add(fetched.redis_message_id, _due_ms(delivery))
        self._suspects.note_begun(fetched)
        again = "A worker that held it has died or stood still, so this task is begun once more: {}"
        logger.bind(**delivery.marks).warning(again, delivery.actor_name)
        return delivery

    def _open(self, fetched: Fetched) -> Delivery | None:
        try:
            message: Message[Any] = Message.decode(fetched.data or b"")
            delivery = Delivery(message, fetched.redis_message_id, data=fetched.data, is_suspect=fetched.begun > 0)
        except UNDECODABLE as error:
            self._bury(fetched, getattr(error, "error", error))
            return None
        if message.queue_name != self._queue_name:
            # Dramatiq's worker thread looks for the consumer of that queue, and dies when there is none.
            reason = f"it is for queue {message.queue_name!r}"
            letter = letter_with_reason(message, f"It was on queue {self._queue_name!r}, and {reason}")
            self._bury(fetched, reason, letter)
            return None
        return delivery

    def _bury(self, fetched: Fetched, reason: object, letter: bytes = b"") -> None:
        logger.error("Queue {!r} held what is no message of it, a dead letter now: {}", self._queue_name, reason)
        was_suspect = fetched.begun > 0
        self._completion.complete(
            Ending(self._queue_name, fetched.redis_message_id, dead=True, was_suspect=was_suspect, letter=letter)
        )

    def _complete(self, message: MessageProxy, *, dead: bool) -> None:
        delivery = cast(Delivery, message)
        if delivery.duration_ms is not None:
            self._permit.note_task(delivery.duration_ms)
        ending = Ending(
            self._queue_name,
            delivery.redis_message_id,
            dead,
            delivery.bulletin,
            delivery.answer,
            delivery.successor.words() if delivery.successor else NO_SUCCESSOR,
            delivery.is_suspect,
            letter_of(delivery) if dead else b"",
            partial(self._forget, delivery.redis_message_id),
        )
        with suppress(redis.RedisError):
            return self._completion.complete(ending)
        try:
            _insistently(self._completion.complete, ending)
        except redis.RedisError as error:
            size = len(delivery.answer.payload) if delivery.answer else 0
            logger.bind(**delivery.marks).warning("Redis does not take an outcome of {} bytes yet: {}", size, error)
            # Dramatiq tries an acknowledgement again after this error only, and gives it up after any other one.
            raise ConnectionClosed(error) from None

    def _forget(self, redis_message_id: str) -> None:
        self._in_hand.remove(redis_message_id)
        self._appetite.note_end()
        self._room.set()


def _due_ms(delivery: Delivery) -> float:
    eta = delivery.options.get("eta")
    return min(eta, LATEST_MS) if isinstance(eta, int | float) else NEVER
