"""Takes in bursts of requests: each request is put on its queue or answered, however long Redis is away."""

import time
from collections.abc import Callable, Iterator, Sequence

import redis
from loguru import logger
from redis.exceptions import NoPermissionError

from contract import ErrorCode, EventKind, RefusedRequestError, Sender, timestamp, write_event
from ingress.crowd import Crowd
from ingress.gate import Gate
from ingress.queue_bound import QueueBound
from ingress.refusals import Refusals
from ingress.verdicts import Verdicts
from transport.answers import Answers, Claim
from transport.arrivals import MOST_IN_ENTRY, Admitted, Arrival, DeposedError, Later, Origin, Refused, TakenIn
from transport.connection import StopRequest
from transport.messages import Envelope, addressee
from transport.redis_broker import CallboardBroker

#: How long a process that was asked to stop goes on trying to bring Redis what it has received. Far less than it has
#: time to stop in: its last attempt may have to wait for an answer.
PATIENCE_S = 5.0

#: How often it is tried again to answer requests that Redis has refused, over about 9 s; meanwhile nothing is taken in.
PUBLISH_TRIES = 12

#: An ingress that was behind with the channel is taken to be so for so long.
BEHIND_S = 0.05

#: A request that is no larger is laid aside in less time than it takes to shed it, which includes an answer.
SMALL_BYTES = 1024

#: A crowd that sends no larger a share than this is not what makes a backlog overflow.
CROWD_SHARE = 0.5

TOO_FAST = "Requests come faster than they can be taken in, this one was not; try again later"
NO_MEMORY = "Redis is out of memory (maxmemory), the request was not taken in; try again later"
NOT_TAKEN = "Redis has refused what the request needs, the log of the ingress says why"

#: A request as it came from outside, and the id of the stream entry that it came in, or "". Not a class of its own: to
#: make an object took a tenth of the time that there is for a request in a flood.
Received = tuple[bytes, str]


def heard(data: bytes) -> Received:
    """A request that came on the channel."""
    return data, ""


class Intake:
    """What the channel, the streams and the scheduler hand their requests to.

    Parameters:
        later: the stream on which requests are laid aside; "" where nothing is sifted.
        count: called with each burst that was taken in.
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
        self._refusals = Refusals(gate, broker, answers)
        self._verdicts = Verdicts()
        self._stop = stop
        self._bound = bound
        self._later = later
        self._entries_aside = 0
        self._behind_s = 0.0
        self._count = count

    def take(self, burst: Sequence[Received], origin: Origin) -> None:
        """Brings every request of the burst to its queue, or answers why not; returns when Redis has it all.

        Raises:
            DeposedError: nothing was taken in; that is another process's to do now.
            redis.RedisError: when the process was asked to stop and Redis has not answered for `PATIENCE_S` since.
        """
        arrivals = [self._judge(received, origin) for received in burst]
        self._bring(arrivals, origin)

    def take_heard(self, requests: Sequence[bytes], origin: Origin) -> None:
        """The same of requests that were heard on the channel. Raises the same."""
        self.take([heard(data) for data in requests], origin)

    def take_where_there_is_room(self, burst: Sequence[Received], origin: Origin) -> None:
        """The same, but what is for a full queue stays where it was read. Raises the same."""
        arrivals = [self._judge(received, origin) for received in burst]
        if arrivals := [arrival for arrival in arrivals if not self._finds_no_room(arrival)]:
            self._bring(arrivals, origin)

    def sift(self, requests: Sequence[bytes], origin: Origin, crowd: Crowd, *, overflows: bool = False) -> None:
        """The same for an ingress that is behind with the channel: what a crowd sends is laid aside on a stream, to be
        judged later, so that the others' requests behind it come soon. Raises the same.

        Where the backlog overflows, a crowd's large requests are shed; and all requests where it is not a crowd that
        sends the most.

        Nothing leaves its order before it is safe in Redis, so that another ingress can take over at any time.
        """
        of_crowd = self._among(crowd, requests)
        if overflows and crowd.share <= CROWD_SHARE:
            arrivals: list[Arrival] = [self._shed(data) for data in requests]
            shed = len(requests)
        else:
            arrivals, shed = self._sort(requests, of_crowd, origin, self._most_bytes_aside(overflows=overflows))
        self.note_behind()
        self._bring_sorted(arrivals, shed, origin)

    def lay_aside(self, requests: Sequence[bytes], origin: Origin) -> None:
        """The same without looking whose they are: all are laid aside, however many are, but those that are too large
        are answered. Raises the same."""
        arrivals, shed = self._sort(requests, [True] * len(requests), origin, self._gate.most_bytes)
        self._bring_sorted(arrivals, shed, origin)

    def others(self, burst: Sequence[Received], crowd: Crowd) -> list[Received]:
        """Those of the burst that a crowd has not sent."""
        of_crowd = self._among(crowd, [data for data, _ in burst])
        return [received for received, is_of_crowd in zip(burst, of_crowd, strict=True) if not is_of_crowd]

    def note_behind(self) -> None:
        """Notes that this process has more to do with the channel than it can."""
        self._behind_s = time.monotonic()

    @property
    def is_behind(self) -> bool:
        """Whether that was so just now, and is likely to go on."""
        return time.monotonic() - self._behind_s < BEHIND_S

    def _among(self, crowd: Crowd, requests: Sequence[bytes]) -> list[bool]:
        # What is too large to be read is not read to learn whose it is, either: that took up to 30 times its size.
        readable_bytes = self._gate.most_bytes
        if max(map(len, requests), default=0) > readable_bytes:
            requests = [data if len(data) <= readable_bytes else b"" for data in requests]
        return crowd.among(requests)

    def _bring_sorted(self, arrivals: Sequence[Arrival], shed: int, origin: Origin) -> None:
        if shed:
            logger.error("Too far behind: {} requests are refused, as 'overloaded' or 'too_large'", shed)
        self._bring(arrivals, origin._replace(later=self._later))

    def _sort(
        self, requests: Sequence[bytes], of_crowd: Sequence[bool], origin: Origin, most_bytes: int
    ) -> tuple[list[Arrival], int]:
        """The requests with a crowd's laid aside, those above `most_bytes` shed; and how many were shed."""
        arrivals: list[Arrival] = []
        aside: list[bytes] = []
        shed = 0
        for data, is_of_crowd in zip(requests, of_crowd, strict=True):
            if is_of_crowd and len(data) <= most_bytes:
                aside.append(data)
            elif is_of_crowd:
                arrivals.append(self._shed(data))
                shed += 1
            else:
                arrivals.append(self._judge(heard(data), origin))
        arrivals += [Later(aside[start : start + MOST_IN_ENTRY]) for start in range(0, len(aside), MOST_IN_ENTRY)]
        return arrivals, shed

    def _most_bytes_aside(self, *, overflows: bool) -> int:
        """How large a request may be that is laid aside."""
        if self._is_aside_full():
            return 0
        return min(SMALL_BYTES, self._gate.most_bytes) if overflows else self._gate.most_bytes

    def _is_aside_full(self) -> bool:
        if self._entries_aside * MOST_IN_ENTRY < self._bound.limit:
            return False
        # That was when something was laid aside last; some of it may have been taken in since.
        self._entries_aside = self._stop.until_redis_answers(lambda: self._broker.length_of(self._later), PATIENCE_S)
        return self._entries_aside * MOST_IN_ENTRY >= self._bound.limit

    def _shed(self, data: bytes) -> Refused:
        return self._refusals.of_request(*heard(data), ErrorCode.OVERLOADED, TOO_FAST)

    def _judge(self, received: Received, origin: Origin) -> Arrival:
        if not origin.position_key:  # not of the channel, so no lease is lost over it
            return self._judge_anew(received, origin)
        arrival = self._verdicts.find(received[0]) or self._judge_anew(received, origin)
        self._verdicts.note(received[0], arrival)
        return arrival

    def _judge_anew(self, received: Received, origin: Origin) -> Arrival:
        data, entry_id = received
        try:
            envelope = self._gate.admit(data)
            sender, reply_to = addressee(envelope.message)
            claim = self._claim(envelope, sender, reply_to, origin)
            if origin.sheds:
                self._check_room(envelope)
        except RefusedRequestError as error:
            logger.debug("Refused a request: {!r}", str(error))
            return self._refusals.of_error(error, entry_id)
        return Admitted(envelope, _event_of(envelope, sender), claim, entry_id)

    def _check_room(self, envelope: Envelope) -> None:
        if self._is_full(envelope.message.queue_name):
            complaint = f"The queue is at its bound of {self._bound.limit} messages"
            raise RefusedRequestError(ErrorCode.OVERLOADED, complaint, *addressee(envelope.message))

    def _finds_no_room(self, arrival: Arrival) -> bool:
        return isinstance(arrival, Admitted) and self._is_full(arrival.envelope.message.queue_name)

    def _is_full(self, queue_name: str) -> bool:
        return self._stop.until_redis_answers(lambda: self._bound.is_full(queue_name), PATIENCE_S)

    def _claim(self, envelope: Envelope, sender: Sender, reply_to: str | None, origin: Origin) -> Claim | None:
        if sender.user_id is None or sender.request_id is None:
            return None
        claim = self._answers.claim(sender.user_id, sender.request_id, reply_to, envelope.delay_ms)
        return claim._replace(channels=()) if origin.once else claim

    def _bring(self, arrivals: Sequence[Arrival], origin: Origin) -> None:
        try:
            sent, taken = self._stop.until_redis_answers(lambda: self._send(arrivals, origin), PATIENCE_S)
        except DeposedError:
            self._verdicts.keep()
            raise
        if origin.position_key:
            self._verdicts.forget()
        if taken.refused or taken.gone:
            instead = self._answer_refused([sent[index] for index in taken.refused])
            not_taken = {*taken.refused, *taken.gone}
            sent = [*instead, *(arrival for index, arrival in enumerate(sent) if index not in not_taken)]
        if self._count:
            self._count(sent, origin)

    def _send(self, arrivals: Sequence[Arrival], origin: Origin) -> tuple[Sequence[Arrival], TakenIn]:
        """What was sent, which is refusals where Redis has no memory for these; and what became of it."""
        try:
            taken = self._broker.take_in(arrivals, origin)
        except redis.ResponseError as error:
            if not origin.sheds or not _is_for_want_of_memory(error):
                raise
            logger.error("Redis is out of memory (maxmemory): {} requests are 'overloaded'", len(arrivals))
            shed = self._refusals.of_arrivals(arrivals, ErrorCode.OVERLOADED, NO_MEMORY)
            self._broker.take_in(shed, origin._replace(out_of_memory=True))
            return shed, TakenIn({}, ())
        if origin.later:
            self._entries_aside = taken.lengths.pop(origin.later, self._entries_aside)
        self._bound.note(taken.lengths)
        return arrivals, taken

    def _answer_refused(self, not_taken: Sequence[Arrival]) -> list[Refused]:
        """Answers those that Redis has refused, and returns the answers."""
        instead = self._refusals.of_arrivals(not_taken, ErrorCode.FAILED, NOT_TAKEN)
        # The entries that they came in are acknowledged already.
        unsent = [refused._replace(entry_id="") for refused in instead]
        tries = iter(range(PUBLISH_TRIES))
        if unsent:
            self._stop.until_redis_answers(lambda: self._publish(unsent, tries), PATIENCE_S)
        return instead

    def _publish(self, unsent: list[Refused], tries: Iterator[int]) -> None:
        """Takes out of the list what it has published; fails while something is left, and there are tries left."""
        unsent[:] = [unsent[index] for index in self._broker.take_in(unsent, Origin()).refused]
        if unsent and next(tries, None) is not None:
            raise NoPermissionError(f"{len(unsent)} outcomes of refused requests cannot be published")
        if unsent:
            logger.critical("{} refused requests stay unanswered: Redis lets nobody publish it", len(unsent))


def _event_of(envelope: Envelope, sender: Sender) -> bytes:
    delay = {} if envelope.due_at is None else {"next_run_at": envelope.due_at}
    return write_event(EventKind.ACCEPTED, timestamp(), envelope.message.message_id, sender, **delay)


def _is_for_want_of_memory(error: redis.ResponseError) -> bool:
    # Of a script Redis 6 says it with more words around, for which redis-py has no class.
    return isinstance(error, redis.OutOfMemoryError) or "OOM command not allowed" in str(error)
