"""Requests that become no message: what is answered, and what is told of them."""

from collections.abc import Iterable

from contract import ErrorCode, EventKind, RefusedRequestError, write_event
from ingress.gate import Gate, refusal
from transport.answers import Answers
from transport.arrivals import Admitted, Arrival, Later, Refused
from transport.messages import addressee
from transport.redis_broker import CallboardBroker


class Refusals:
    """Makes refusals ready for Redis."""

    def __init__(self, gate: Gate, broker: CallboardBroker, answers: Answers) -> None:
        self._gate = gate
        self._broker = broker
        self._answers = answers

    def of_error(self, error: RefusedRequestError, entry_id: str) -> Refused:
        """The refusal that an error asks for."""
        self._broker.emit_after("refuse", error)
        outcome = error.outcome
        event = write_event(
            EventKind.ERROR,
            outcome.timestamp,
            outcome.task_id,
            error.sender,
            error=outcome.error,
            error_code=outcome.error_code,
        )
        answer = self._answers.answer(outcome, error.reply_to)
        kept_at = answer.keys[-1][0] if answer.claim else ""
        return Refused(answer, event, error.code, entry_id, kept_at)

    def of_request(self, data: bytes, entry_id: str, code: ErrorCode, complaint: str) -> Refused:
        """The refusal of a request that nobody has judged, which is only read to learn whom to answer."""
        try:
            error = refusal(self._gate.read(data), code, complaint)
        except RefusedRequestError as unreadable:
            error = unreadable
        return self.of_error(error, entry_id)

    def of_arrivals(self, arrivals: Iterable[Arrival], code: ErrorCode, complaint: str) -> list[Refused]:
        """What is sent in place of arrivals that Redis has not taken; it is only to be published, and not kept."""
        refused = [each for arrival in arrivals for each in self._of_arrival(arrival, code, complaint)]
        return [each._replace(answer=each.answer._replace(keys=())) for each in refused]

    def _of_arrival(self, arrival: Arrival, code: ErrorCode, complaint: str) -> list[Refused]:
        if isinstance(arrival, Later):
            return [self.of_request(data, "", code, complaint) for data in arrival.requests]
        if isinstance(arrival, Admitted):
            error = RefusedRequestError(code, complaint, *addressee(arrival.envelope.message))
            return [self.of_error(error, arrival.entry_id)]
        return [arrival]
