"""What every request passes before it becomes a message, wherever it comes from."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from contract import ErrorCode, RefusedRequestError, TaskRequest, read_request, task_not_found, whom_to_answer
from errors import InvalidParametersError
from setting_sections import Limits
from task import Task
from transport.messages import Envelope, message_for, seal


class Gate:
    """Admits requests for the tasks of a catalogue, or refuses them with the outcome that says why."""

    def __init__(self, catalogue: Mapping[str, Task[..., Any]], limits: Limits) -> None:
        self._catalogue = catalogue
        self._limits = limits

    @property
    def most_bytes(self) -> int:
        """A larger request is refused without being read."""
        return self._limits.request_bytes

    def read(self, data: bytes) -> TaskRequest:
        """The request in what came from outside; its `reply_to`, if any, is a channel that a request may name.

        Raises:
            RefusedRequestError: with its outcome; nothing else, whatever `data` is.
        """
        try:
            self._check_size(data)
            request = read_request(data)
        except RefusedRequestError as refusal:
            if not self._accepts(refusal.reply_to):
                refusal.reply_to = None
            raise
        self._check_reply_channel(request)
        return request

    def admit(self, data: bytes) -> Envelope:
        """The message, ready to be enqueued, for a request as it came from outside.

        Raises:
            RefusedRequestError: with its outcome; nothing else, whatever `data` is.
        """
        request = self.read(data)
        if (task := self._catalogue.get(request.task_type)) is None:
            raise refusal(request, ErrorCode.UNKNOWN_TASK, task_not_found(request.task_type))
        try:
            parameters = task.check(request.parameters)
        except InvalidParametersError as error:
            raise refusal(request, ErrorCode.INVALID_PARAMETERS, str(error)) from None
        if request.max_age_ms is not None and request.max_age_ms <= (request.delay_ms or 0):
            complaint = f"max_age_ms is {request.max_age_ms} and should be above delay_ms, here {request.delay_ms or 0}"
            raise refusal(request, ErrorCode.EXPIRED, complaint)
        return seal(message_for(request, task.actor.queue_name, parameters), request.delay_ms or None)

    def _check_size(self, data: bytes) -> None:
        if len(data) > self.most_bytes:
            complaint = f"The request has {len(data)} bytes, at most {self.most_bytes} are accepted"
            raise RefusedRequestError(ErrorCode.TOO_LARGE, complaint, *whom_to_answer(data))

    def _check_reply_channel(self, request: TaskRequest) -> None:
        if self._accepts(request.reply_to):
            return
        accepted = " or ".join(self._limits.reply_to) or "none at all"
        complaint = f"Invalid 'reply_to' field: the channel should match {accepted}"
        # Not to the channel that it names: that is what is refused.
        raise RefusedRequestError(ErrorCode.INVALID_REQUEST, complaint, request.sender)

    def _accepts(self, channel: str | None) -> bool:
        return channel is None or any(fnmatchcase(channel, pattern) for pattern in self._limits.reply_to)


def refusal(request: TaskRequest, code: ErrorCode, complaint: str) -> RefusedRequestError:
    """A refusal that is answered wherever the request wants its outcome."""
    return RefusedRequestError(code, complaint, request.sender, request.reply_to)
