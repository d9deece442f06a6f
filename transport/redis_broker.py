"""Dramatiq's Redis broker with Callboard's ways in and out: bursts in, blocking consumers, atomic answers out."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any, cast

import redis
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Middleware
from dramatiq.worker import QUEUE_PREFETCH
from loguru import logger

from contract import ErrorCode
from transport.answers import Answer
from transport.appetite import Appetite
from transport.arrivals import Admitted, Arrival, DeposedError, Origin, TakenIn
from transport.completion import Completion, Ending, News
from transport.consumer import BlockingConsumer
from transport.crew import Crew
from transport.dead_letters import letter_of
from transport.feed import Feed
from transport.in_hand import InHand
from transport.line import Line
from transport.messages import UNDECODABLE, Delivery, seal
from transport.permit import Permit
from transport.pulse import Pulse, name_worker
from transport.queue_names import namespace_of
from transport.quiet import Quiet
from transport.recovery import Recovery, is_delay_queue
from transport.scripts import script
from transport.signals import SelectiveSignals
from transport.stage import Stage
from transport.suspects import Suspects
from transport.watchdog import Watchdog
from transport.work_queue import WorkQueue

#: The channel on which workers hear of messages in their hands that were cancelled, by their redis message ids.
CALL_OFFS = "callboard:call-offs"

#: What the outcome of a condemned message says.
KILLS_ITS_WORKERS = "Its worker died each time that it was tried"


class CallboardBroker(SelectiveSignals, RedisBroker):
    """A `RedisBroker` whose queues any stock Dramatiq program may fill and drain, too: their layout is the same, except
    for what waits in lanes.

    Parameters:
        max_crashes: how often a message may be begun whose worker dies, from 2 on.
        fair_backlog: from how many messages on a queue the next ones wait in lanes, see turns.lua; 0 for never.
        crew: the one that this process belongs to as a worker; None for one of its own.
    """

    def __init__(
        self,
        client: "redis.Redis",
        middleware: list[Middleware],
        *,
        key_prefix: str = "",
        events_channel: str = "events",
        max_crashes: int = 3,
        fair_backlog: int = 64,
        crew: Crew | None = None,
    ) -> None:
        super().__init__(client=client, middleware=middleware, namespace=namespace_of(key_prefix))
        crew = crew or Crew()
        self.broker_id = name_worker(self.broker_id, crew.name)
        #: To enqueue, to take in and to cancel.
        self._line = Line(client)
        self._enqueue_script = script(client, "turns", "enqueue")
        self._take_in_script = script(client, "turns", "answer", "take_in")
        self._cancel_script = script(client, "answer", "cancel")
        self._events_channel = events_channel
        self._fair_backlog = fair_backlog
        self._completion = Completion(client, self.namespace, self.broker_id, events_channel, fair_backlog)
        self.stage = Stage()
        #: What its consumers hand out, until a thread takes it.
        self.work_queue = WorkQueue()
        #: Watches the threads that this process needs.
        self.watchdog = Watchdog()
        self._max_crashes = max_crashes
        self._in_hand: dict[str, InHand] = {}
        self._quiet = Quiet()
        #: The descriptor of the file that `Permit` needs, where there is one.
        self.permits: int | None = None
        self._generations = count(1)
        self._pulse = Pulse(client, self.namespace, self.broker_id, crew)
        self._recovery = Recovery(
            client,
            self._pulse,
            crew,
            max_crashes=max_crashes,
            dead_letter_ttl_ms=self.dead_message_ttl,
        )

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> BlockingConsumer:
        """A consumer of the queue; `timeout` in ms."""
        # The messages of a delay queue wait for their time: they need no permit, no thread and no quiet.
        is_delayed = is_delay_queue(queue_name)
        permits = None if is_delayed else self.permits
        quiet = Quiet() if is_delayed else self._quiet
        # Dramatiq's own prefetch is two messages a thread; one that somebody has set is meant as it is.
        threads = prefetch if is_delayed or QUEUE_PREFETCH else max(1, prefetch // 2)
        in_hand = self._in_hand.setdefault(queue_name, InHand(queue_name, self.work_queue))
        return BlockingConsumer(
            self._feed(queue_name),
            self._completion,
            self._pulse,
            self.watchdog,
            in_hand=in_hand,
            permit=Permit(permits, queue_name, threads, self.stage),
            suspects=Suspects(in_hand, quiet, self._max_crashes, partial(self._end_condemned, queue_name)),
            appetite=Appetite(threads, prefetch),
            timeout_ms=timeout,
        )

    def close(self) -> None:
        """Hands back what this worker still holds, and takes it off the list that the others look for dead ones in.

        A task that still runs loses its message with that: its acknowledgement finds it gone, and answers nobody.
        """
        # In this order: a worker that is off the list must hold nothing, or nobody would ever bring that back.
        with suppress(redis.RedisError):
            for queue_name in self.get_declared_queues() | self.get_declared_delay_queues():
                self._feed(queue_name).put_back((), let_go=tuple(self._in_hand.get(queue_name, ())))
            self._pulse.leave()

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Enqueues one message, to be run after `delay` ms; what `actor.send()` and Dramatiq's Retries call."""
        if isinstance(message, Delivery):
            # Another attempt, or a delayed message that is due: it is enqueued in the step that ends the delivery. In
            # two steps, with Redis away in between, nothing would follow the message, or two others.
            envelope = message.follow_with(delay)
            self.emit_before("enqueue", *envelope)
        else:
            envelope = seal(message.copy(), delay)
            self.emit_before("enqueue", *envelope)
            words = (self._fair_backlog, *envelope.words())
            self._line.call(self._enqueue_script, self.namespace, *words)
        self.emit_after("enqueue", *envelope)
        return envelope.message

    def length(self, queue_name: str) -> int:
        """How many messages a queue has, including those in a worker's hands."""
        return cast(int, self.client.hlen(f"{self.namespace}:{queue_name}.msgs"))

    def length_of(self, stream: str) -> int:
        """How many entries a stream has."""
        return cast(int, self.client.xlen(stream))

    def take_in(self, burst: Sequence[Arrival], origin: Origin) -> TakenIn:
        """Enqueues the messages of a burst of requests and sends the answers, in one round trip: all or nothing, except
        for requests that need something which Redis refuses; the log says what.

        May be repeated with the same burst when the reply was lost: nothing is enqueued or answered twice.

        Raises:
            DeposedError: another process holds the lease, or has taken in a part of the burst.
            redis.OutOfMemoryError: Redis is at its `maxmemory`, and nothing was taken in; Redis 6 says it with another
                `redis.ResponseError`.
            redis.RedisError: Redis refuses it, or it may have been taken in and the reply was lost.
        """
        admitted = [arrival.envelope for arrival in burst if isinstance(arrival, Admitted)]
        for envelope in admitted:
            self.emit_before("enqueue", *envelope)
        words = [*origin.words(), self._events_channel, self._fair_backlog]
        for arrival in burst:
            own = arrival.words()
            words += (len(own), *own)
        reply = self._line.call(self._take_in_script, self.namespace, *words)
        if reply == b"deposed":
            raise DeposedError(f"another process holds {origin.lease_key!r}, or has taken in some of it")
        for envelope in admitted:
            self.emit_after("enqueue", *envelope)
        lengths, problems, gone = reply
        if problems:
            for problem, times in Counter(problems[1::2]).items():
                logger.error("Redis has refused what {} requests need: {}", times, problem.decode(errors="replace"))
        by_name = {name.decode(): length for name, length in zip(lengths[::2], lengths[1::2], strict=True)}
        return TakenIn(by_name, tuple(problems[::2]), tuple(gone))

    def cancel(self, queue_name: str, redis_message_id: str, event: bytes, answer: Answer) -> bool:
        """Ends a message of a queue, and sends its answer and its event; False when it is not there any more."""
        words = (queue_name, redis_message_id, self._events_channel, event, CALL_OFFS, *answer.words())
        return bool(self._line.call(self._cancel_script, self.namespace, *words))

    def maintain(self) -> None:
        """Shows that this worker is alive, and looks after all queues, if it is its turn.

        Raises:
            redis.RedisError: it is to be called again soon.
        """
        if silent_s := self._pulse.beat():
            running = ", ".join(sorted({delivery.actor_name for delivery in self.stage.running()})) or "none"
            logger.warning(
                "This worker gave no sign of life for {:.1f} s, so others begin once more what it held, and what it "
                "says of that is unheard. A task held Python's lock (GIL) for so long, those that run now are: {}; or "
                "this machine or Redis stood still",
                silent_s,
                running,
            )
        self._recovery.run_when_due()

    def succeed(self, worker_id: str) -> None:
        """Brings back at once what a worker held that is known to be dead. Those that only see its silence do it some
        seconds later.

        Raises:
            redis.RedisError: then they will.
        """
        self._recovery.bring_back_from(worker_id)

    def announce(self) -> None:
        """Sends the events of the tasks that run here, and the ends of messages that could not be sent before.

        Raises:
            redis.RedisError: it is to be called again soon, also when no task runs any more.
        """
        self._completion.announce(
            _news_of(delivery) for delivery in self.stage.running() if delivery.bulletin.collect_news()
        )

    def _feed(self, queue_name: str) -> Feed:
        return Feed(self.client, self.namespace, queue_name, self.broker_id, self._generations)

    def _end_condemned(self, queue_name: str, redis_message_id: str, data: bytes | None) -> None:
        try:
            delivery = Delivery(Message.decode(data or b""), redis_message_id)
        except UNDECODABLE:
            self._completion.complete(Ending(queue_name, redis_message_id, dead=True, was_suspect=True))
            return
        logger.bind(**delivery.marks).error("Task {!r}: {}", delivery.actor_name, KILLS_ITS_WORKERS)
        delivery.verdict = (ErrorCode.FAILED, KILLS_ITS_WORKERS)
        self.emit_before("nack", delivery)
        self._completion.complete(
            Ending(
                queue_name,
                redis_message_id,
                dead=True,
                bulletin=delivery.bulletin,
                answer=delivery.answer,
                was_suspect=True,
                letter=letter_of(delivery),
            )
        )
        self.emit_after("nack", delivery)


def _news_of(delivery: Delivery) -> News:
    return News(delivery.queue_name, delivery.redis_message_id, delivery.bulletin)
