"""Takes a burst of requests in: each ends on the queue or is answered, and Redis is waited for until that is so."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence

import redis
from loguru import logger
from redis.exceptions import NoPermissionError

from contract import ErrorCode, EventKind, RefusedRequestError, Sender, timestamp, write_event
from ingress.crowd import Crowd
from ingress.gate import Gate, refuse
from ingress.queue_bound import QueueBound
from transport.answers import Answers, Claim
from transport.arrivals import MOST_IN_ENTRY, Admitted, Arrival, Later, Origin, Refused
from transport.connection import StopRequest
from transport.messages import Envelope, addressee
from transport.redis_broker import CallboardBroker

#: A process that was asked to stop tries for so long to bring Redis what it has received: far below what it is granted,
#: as its last attempts may have to wait for an answer.
PATIENCE_S = 5.0

#: How often it is tried to answer requests that were refused, over about 8 s. While it is, nothing is taken in.
PUBLISH_TRIES = 12

#: An ingress that has sifted is taken to be behind for so long.
BEHIND_S = 0.05

#: A request that is no larger is laid aside in less time than it is turned away in.
SMALL_BYTES = 1024

TOO_FAST = "Requests come faster than they can be taken in, this one was not; try again later"
NO_MEMORY = "Redis is out of memory (maxmemory), the request was not taken in; try again later"
REFUSED = "Redis has refused what the request needs, the log of the ingress says why"

#: A request as it came from outside, and its entry id when it came on a stream, else "". No class of its own: to make
#: one of it took a tenth of the time that there is for a request in a flood.
Received = tuple[bytes, str]


class Intake:
    """What the channel, the streams and the scheduler hand their requests to.

    Parameters:
        later: the stream for requests that are to wait; none where nothing is sifted.
        count: told of each burst that was taken in.
    """

    def __init__(
        self,
        gate: Gate,
        broker: CallboardBroker,
        answers: Answers,
        stop: StopRequest,
        bound: QueueBound,
        later: str = "",
        count: Callable[[Sequence[Arrival], Origin], None] | None = None,
    ) -> None:
        self._gate = gate
        self._broker = broker
        self._answers = answers
        self._stop = stop
        self._bound = bound
        self._later = later
        self._later_length = 0
        self._sifted_s = 0.0
        self._count = count

    def take(self, burst: Sequence[Received], origin: Origin) -> None:
        """Brings every request of the burst to the queue, or answers why not; returns when Redis has it all.

        Raises:
            DeposedError: nothing was taken in, and it is another process's to do now.
            redis.RedisError: when the process was asked to stop and Redis has not answered for `PATIENCE_S` since.
        """
        arrivals = [self._judge(received, origin) for received in burst]
        self._bring(arrivals, origin)

    def sift(self, burst: Sequence[Received], origin: Origin, crowd: Crowd, *, is_too_much: bool = False) -> None:
        """The same for when one is behind: what a crowd sends is laid on another stream, to be judged later, so that
        the others' requests behind it in the backlog come soon. Raises the same.

        Where it is too much to be held, a crowd's large requests are turned away; and all where it is not a crowd that
        sends the most.

        Nothing is taken out of its order before it is safe in Redis, so that another ingress can take over at any time.
        """
        # What is too large to be read is not read to learn whose it is, either: that took up to 30 times its size.
        readable_bytes = self._gate.most_bytes
        of_crowd = crowd.among([data if len(data) <= readable_bytes else b"" for data, _ in burst])
        sheds_all = origin.sheds and is_too_much and crowd.share <= 0.5
        most_bytes = self._most_bytes_aside(is_too_much=is_too_much)
        arrivals: list[Arrival] = []
        aside: list[bytes] = []
        turned_away = 0
        for received, is_of_crowd in zip(burst, of_crowd, strict=True):
            data, entry_id = received
            if is_of_crowd and not sheds_all and len(data) <= most_bytes:
                if entry_id:
                    arrivals.append(Later([data], entry_id))
                else:
                    aside.append(data)
            elif sheds_all or (is_of_crowd and origin.sheds):
                arrivals.append(self._turn_away(received))
                turned_away += 1
            else:
                arrivals.append(self._judge(received, origin))
        arrivals += [Later(aside[start : start + MOST_IN_ENTRY]) for start in range(0, len(aside), MOST_IN_ENTRY)]
        if turned_away:
            logger.error("Too far behind: {} requests are 'overloaded'", turned_away)
        self._sifted_s = time.monotonic()
        self._bring(arrivals, origin._replace(later=self._later))

    @property
    def is_behind(self) -> bool:
        """Whether something was sifted just now, and more of that is to be expected."""
        return time.monotonic() - self._sifted_s < BEHIND_S

    def _most_bytes_aside(self, *, is_too_much: bool) -> int:
        if self._later_length >= self._bound.limit:
            return 0
        return min(SMALL_BYTES, self._gate.most_bytes) if is_too_much else self._gate.most_bytes

    def _turn_away(
        self, received: Received, code: ErrorCode = ErrorCode.OVERLOADED, complaint: str = TOO_FAST
    ) -> Refused:
        data, entry_id = received
        try:
            refusal = refuse(self._gate.read(data), code, complaint)
        except RefusedRequestError as unreadable:
            refusal = unreadable
        return self._refused(refusal, entry_id)

    def _judge(self, received: Received, origin: Origin) -> Arrival:
        data, entry_id = received
        try:
            envelope = self._gate.admit(data)
            sender, reply_to = addressee(envelope.message)
            claim = self._claim(envelope, sender, reply_to, origin)
            if origin.sheds and self._is_full(envelope):
                complaint = f"The queue is at its bound of {self._bound.limit} messages"
                raise _refusal(envelope, ErrorCode.OVERLOADED, complaint)
        except RefusedRequestError as refusal:
            logger.debug("Refused a request: {!r}", str(refusal))
            return self._refused(refusal, entry_id)
        return Admitted(envelope, _event_of(envelope, sender), claim, entry_id)

    def _refused(self, refusal: RefusedRequestError, entry_id: str) -> Refused:
        self._broker.emit_after("refuse", refusal)
        outcome = refusal.outcome
        event = write_event(
            EventKind.ERROR,
            outcome.timestamp,
            outcome.task_id,
            refusal.sender,
            error=outcome.error,
            error_code=outcome.error_code,
        )
        answer = self._answers.answer(outcome, refusal.reply_to)
        kept_at = answer.keys[-1][0] if answer.claim else ""
        return Refused(answer, event, refusal.code, entry_id, kept_at)

    def _is_full(self, envelope: Envelope) -> bool:
        queue_name = envelope.message.queue_name
        return self._stop.until_redis_answers(lambda: self._bound.is_full(queue_name), PATIENCE_S)

    def _claim(self, envelope: Envelope, sender: Sender, reply_to: str | None, origin: Origin) -> Claim | None:
        if sender.user_id is None or sender.request_id is None:
            return None
        claim = self._answers.claim(sender.user_id, sender.request_id, reply_to, envelope.delay_ms)
        return claim._replace(channels=()) if origin.once else claim

    def _bring(self, arrivals: Sequence[Arrival], origin: Origin) -> None:
        sent, places = self._stop.until_redis_answers(lambda: self._send(arrivals, origin), PATIENCE_S)
        if places:
            sent = self._answer(places, sent)
        if self._count:
            self._count(sent, origin)

    def _send(self, arrivals: Sequence[Arrival], origin: Origin) -> tuple[Sequence[Arrival], Collection[int]]:
        """What was sent: these, or where Redis has no room refusals in their place; and the places among them of those
        that it has refused."""
        try:
            taken = self._broker.take_in(arrivals, origin)
        except redis.ResponseError as error:
            if not origin.sheds or not _is_for_want_of_memory(error):
                raise
            logger.error("Redis is out of memory (maxmemory): {} requests are 'overloaded'", len(arrivals))
            shed = [each for arrival in arrivals for each in self._unkept(arrival, ErrorCode.OVERLOADED, NO_MEMORY)]
            self._broker.take_in(shed, origin._replace(is_full=True))
            return shed, ()
        if origin.later:
            self._later_length = taken.lengths.pop(origin.later, self._later_length)
        self._bound.note(taken.lengths)
        return arrivals, taken.refused

    def _answer(self, places: Collection[int], arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
        """The arrivals with those at `places`, which Redis had something against, answered instead."""
        refused = [each for place in places for each in self._unkept(arrivals[place], ErrorCode.FAILED, REFUSED)]
        # The entries that they came in were acknowledged before.
        answers = [each._replace(entry_id="") for each in refused]
        tries = iter(range(PUBLISH_TRIES))
        self._stop.until_redis_answers(lambda: self._publish(answers, tries), PATIENCE_S)
        return [*refused, *(arrival for place, arrival in enumerate(arrivals) if place not in places)]

    def _publish(self, answers: list[Refused], tries: Iterator[int]) -> None:
        """Takes out of the list what it has published; fails while something is left, and there are tries left."""
        answers[:] = [answers[place] for place in self._broker.take_in(answers, Origin()).refused]
        if answers and next(tries, None) is not None:
            raise NoPermissionError(f"{len(answers)} outcomes of refused requests cannot be published")
        if answers:
            logger.critical("{} refused requests stay unanswered: Redis lets nobody publish it", len(answers))

    def _unkept(self, arrival: Arrival, code: ErrorCode, complaint: str) -> list[Refused]:
        """The answers, for which Redis needs nothing but to publish them."""
        if isinstance(arrival, Later):
            refused = [self._turn_away((data, arrival.entry_id), code, complaint) for data in arrival.requests]
        elif isinstance(arrival, Admitted):
            refused = [self._refused(_refusal(arrival.envelope, code, complaint), arrival.entry_id)]
        else:
            refused = [arrival]
        return [each._replace(answer=each.answer._replace(keys=())) for each in refused]


def _event_of(envelope: Envelope, sender: Sender) -> bytes:
    delay = {} if envelope.due_at is None else {"next_run_at": envelope.due_at}
    return write_event(EventKind.ACCEPTED, timestamp(), envelope.message.message_id, sender, **delay)


def _is_for_want_of_memory(error: redis.ResponseError) -> bool:
    # Of a script Redis 6 says it with more words around, for which redis-py has no class.
    return isinstance(error, redis.OutOfMemoryError) or "OOM command not allowed" in str(error)


def _refusal(envelope: Envelope, code: ErrorCode, complaint: str) -> RefusedRequestError:
    return RefusedRequestError(code, complaint, *addressee(envelope.message))
