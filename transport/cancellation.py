"""Ends the task of a request that was cancelled, wherever its message is."""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from dramatiq import Message
from dramatiq.common import dq_name
from loguru import logger

from contract import ControlMessage, ErrorCode, EventKind, Sender, TaskOutcome, timestamp, write_event
from transport.answers import Answers
from transport.messages import UNDECODABLE, addressee, ids_of_attempts
from transport.redis_broker import CallboardBroker

#: What its outcome says.
CANCELLED = "Cancelled by the user who asked for it"

#: A message may move on, to another queue or another attempt, between being found and being ended: then it is looked
#: for again, so often.
TRIES = 5


class _Found(NamedTuple):
    queue_name: str
    redis_message_id: str
    message: Message[Any]


class Cancellation:
    """Cancels on behalf of the user whose request it is, and of nobody else.

    Parameters:
        max_attempts: the most that any of the tasks has.
        count: called for each task that it has ended.
    """

    def __init__(
        self, broker: CallboardBroker, answers: Answers, max_attempts: int, count: Callable[[], None] | None = None
    ) -> None:
        self._broker = broker
        self._client = broker.client
        self._answers = answers
        self._count = count
        self._max_attempts = max_attempts

    def cancel(self, wish: ControlMessage) -> bool:
        """Ends the task, unless it is done already or another user's.

        Returns:
            False when no such request was taken in by now, or its message has moved on each time: try again later.

        Raises:
            redis.RedisError: it may be called again.
        """
        task_id = wish.task_id or self._task_of(wish)
        if task_id is None:
            return False
        for _ in range(TRIES):
            found = self._find(task_id)
            if found is None:
                return True
            sender, reply_to = addressee(found.message)
            # 7 is not "7".
            if (type(sender.user_id), sender.user_id) != (type(wish.user_id), wish.user_id):
                return True
            if self._end(found, sender, reply_to):
                logger.debug("Cancelled task {}", task_id)
                if self._count:
                    self._count()
                return True
        return False

    def _task_of(self, wish: ControlMessage) -> str | None:
        key = self._answers.claim(wish.user_id, wish.request_id or "", None, None).key
        task_id = self._client.get(key)
        return task_id.decode() if isinstance(task_id, bytes) else None

    def _find(self, task_id: str) -> _Found | None:
        ids = ids_of_attempts(task_id, self._max_attempts)
        queue_names = self._queue_names()
        # In one transaction: it may move from one queue to another.
        with self._client.pipeline(transaction=True) as pipeline:
            for queue_name in queue_names:
                pipeline.hmget(f"{self._broker.namespace}:{queue_name}.msgs", ids)
            replies = pipeline.execute()
        for queue_name, reply in zip(queue_names, replies, strict=True):
            for redis_message_id, data in zip(ids, reply, strict=True):
                if data is not None and (message := _decoded(data)) and message.message_id == task_id:
                    return _Found(queue_name, redis_message_id, message)
        return None

    def _queue_names(self) -> Collection[str]:
        names = self._broker.get_declared_queues()
        return [*names, *map(dq_name, names)]

    def _end(self, found: _Found, sender: Sender, reply_to: str | None) -> bool:
        outcome = TaskOutcome(
            user_id=sender.user_id,
            task_type=sender.task_type,
            request_id=sender.request_id,
            task_id=found.message.message_id,
            status="error",
            timestamp=timestamp(),
            error=CANCELLED,
            error_code=ErrorCode.CANCELLED,
            traceparent=sender.traceparent,
        )
        event = write_event(
            EventKind.CANCELLED,
            outcome.timestamp,
            outcome.task_id,
            sender,
            error=CANCELLED,
            error_code=ErrorCode.CANCELLED,
        )
        answer = self._answers.answer(outcome, reply_to)
        return self._broker.cancel(found.queue_name, found.redis_message_id, event, answer)


def _decoded(data: bytes) -> Message[Any] | None:
    try:
        return Message.decode(data)
    except UNDECODABLE:
        return None
