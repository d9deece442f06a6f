"""Takes a burst of requests in: each ends on the queue or is answered, and Redis is waited for until that is so."""

from collections.abc import Iterable

import redis
from loguru import logger

from contract import RefusedRequestError
from ingress.gate import Gate
from transport.answers import Answers
from transport.connection import StopRequest
from transport.messages import Envelope
from transport.redis_broker import CallboardBroker

#: A process that was asked to stop tries for so long to bring Redis what it has received. Far below what it is granted,
#: as its last attempt may have to wait for an answer.
PATIENCE_S = 10.0


class Intake:
    """What the subscriber and the scheduler hand their requests to."""

    def __init__(
        self, gate: Gate, broker: CallboardBroker, answers: Answers, client: "redis.Redis", stop: StopRequest
    ) -> None:
        self._gate = gate
        self._broker = broker
        self._answers = answers
        self._client = client
        self._stop = stop

    def take(self, burst: Iterable[bytes]) -> None:
        """Brings every request of the burst to the queue, or answers why not; returns when Redis has it all.

        Raises:
            redis.RedisError: when the process was asked to stop and Redis has not answered for `PATIENCE_S` since.
        """
        admitted: list[Envelope] = []
        refused: list[RefusedRequestError] = []
        for data in burst:
            try:
                admitted.append(self._gate.admit(data))
            except RefusedRequestError as refusal:
                logger.debug("Refused a request: {!r}", str(refusal))
                refused.append(refusal)
        try:
            if admitted:
                self._stop.until_redis_answers(lambda: self._broker.enqueue_batch(admitted), PATIENCE_S)
            if refused:
                self._stop.until_redis_answers(lambda: self._answer(refused), PATIENCE_S)
        except redis.RedisError:
            count = len(admitted) + len(refused)
            logger.error("Asked to stop without Redis: up to {} requests were received and are lost", count)
            raise

    def _answer(self, refused: list[RefusedRequestError]) -> None:
        with self._client.pipeline() as pipeline:
            for refusal in refused:
                self._answers.answer(refusal.outcome, refusal.reply_to).send(pipeline)
            pipeline.execute()
