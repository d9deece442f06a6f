"""Takes a burst of requests in: each ends on the queue or is answered, and Redis is waited for until that is so."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import redis
from loguru import logger

from contract import ErrorCode, RefusedRequestError
from ingress.gate import Gate
from ingress.queue_bound import QueueBound
from transport.answers import Answers, Claim
from transport.arrivals import Admitted, Arrival, Origin, Refused
from transport.connection import StopRequest
from transport.messages import Envelope, addressee
from transport.redis_broker import CallboardBroker

#: A process that was asked to stop tries for so long to bring Redis what it has received: far below what it is granted,
#: as its last attempts may have to wait for an answer.
PATIENCE_S = 5.0

NO_MEMORY = "Redis is out of memory (maxmemory), the request was not taken in; try again later"


class Received(NamedTuple):
    """A request as it came from outside; with its entry id when it came on a stream."""

    data: bytes
    entry_id: str = ""


class Intake:
    """What the channel, the stream and the scheduler hand their requests to.

    Parameters:
        count: told of each burst that was taken in.
    """

    def __init__(
        self,
        gate: Gate,
        broker: CallboardBroker,
        answers: Answers,
        stop: StopRequest,
        bound: QueueBound,
        count: Callable[[Sequence[Arrival], Origin], None] | None = None,
    ) -> None:
        self._gate = gate
        self._broker = broker
        self._answers = answers
        self._stop = stop
        self._bound = bound
        self._count = count

    def take(self, burst: Sequence[Received], origin: Origin) -> None:
        """Brings every request of the burst to the queue, or answers why not; returns when Redis has it all.

        Raises:
            DeposedError: nothing was taken in, and it is another process's to do now.
            redis.RedisError: when the process was asked to stop and Redis has not answered for `PATIENCE_S` since.
        """
        arrivals = [self._judge(received, origin) for received in burst]
        sent = self._stop.until_redis_answers(lambda: self._send(arrivals, origin), PATIENCE_S)
        if self._count:
            self._count(sent, origin)

    def _judge(self, received: Received, origin: Origin) -> Arrival:
        try:
            envelope = self._gate.admit(received.data)
            if origin.sheds and self._is_full(envelope):
                raise _overloaded(envelope, f"The queue is at its bound of {self._bound.limit} messages")
        except RefusedRequestError as refusal:
            logger.debug("Refused a request: {!r}", str(refusal))
            return self._refused(refusal, received.entry_id)
        return Admitted(envelope, self._claim(envelope, origin), received.entry_id)

    def _is_full(self, envelope: Envelope) -> bool:
        queue_name = envelope.message.queue_name
        return self._stop.until_redis_answers(lambda: self._bound.is_full(queue_name), PATIENCE_S)

    def _claim(self, envelope: Envelope, origin: Origin) -> Claim | None:
        sender, reply_to = addressee(envelope.message)
        if sender.user_id is None or sender.request_id is None:
            return None
        claim = self._answers.claim(sender.user_id, sender.request_id, reply_to, envelope.delay_ms)
        return claim if origin.answers_repeats else claim._replace(channels=())

    def _send(self, arrivals: Sequence[Arrival], origin: Origin) -> Sequence[Arrival]:
        """What was sent: these, or where Redis has no room refusals in their place."""
        try:
            self._bound.note(self._broker.take_in(arrivals, origin))
        except redis.OutOfMemoryError:
            if not origin.sheds:
                raise
            logger.error("Redis is out of memory (maxmemory): {} requests are 'overloaded'", len(arrivals))
            arrivals = [self._unkept(arrival) for arrival in arrivals]
            self._broker.take_in(arrivals, origin._replace(is_full=True))
        return arrivals

    def _unkept(self, arrival: Arrival) -> Refused:
        if isinstance(arrival, Refused):
            return arrival._replace(answer=arrival.answer._replace(keys=()))
        refusal = _overloaded(arrival.envelope, NO_MEMORY)
        refused = self._refused(refusal, arrival.entry_id)
        return refused._replace(answer=refused.answer._replace(keys=()))

    def _refused(self, refusal: RefusedRequestError, entry_id: str) -> Refused:
        return Refused(self._answers.answer(refusal.outcome, refusal.reply_to), refusal.code, entry_id)


def _overloaded(envelope: Envelope, complaint: str) -> RefusedRequestError:
    return RefusedRequestError(ErrorCode.OVERLOADED, complaint, *addressee(envelope.message))
