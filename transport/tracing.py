"""OpenTelemetry spans of a request: received, performed, its outcome published. For the extra `tracing`.

Nothing is recorded, and nothing of this is called, unless a tracer provider is configured when the process starts.
"""

import time
from contextlib import suppress
from contextvars import Token
from typing import Any, NamedTuple

from dramatiq import Broker, Message
from dramatiq.middleware import Middleware
from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from contract import RefusedRequestError, Sender
from transport.messages import REPLY_OPTION, Delivery, addressee
from version import VERSION

#: The message option, and the W3C header, that holds the context of a message's span.
TRACE_OPTION = "traceparent"

PROPAGATOR = TraceContextTextMapPropagator()


def spans() -> list[Middleware]:
    """The middleware that records them; none where no tracer provider is configured."""
    provider = trace.get_tracer_provider()
    return [] if isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider) else [Spans(provider)]


class Run(NamedTuple):
    """What is remembered of an attempt until its message is acknowledged."""

    span: Span
    inside: Context
    token: Token[Context]
    ended_ns: int | None = None


class Spans(Middleware):
    """Stands before Outcomes in the list, so that an outcome names the span that its task ran in.

    Names and attributes are those of OpenTelemetry's conventions for messaging. No parameter, result or user id is
    among them; the text of an exception is.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("callboard", VERSION)

    def before_enqueue(self, broker: Broker, message: Message[Any], delay: int | None) -> None:
        """A request was received: its message takes the context of that span to the worker.

        A message of a plain `actor.send()` is no request: it takes the context in which it is sent.
        """
        if TRACE_OPTION in message.options:
            return  # another attempt, or a delayed message that is due, or Redis has not answered the first time
        if REPLY_OPTION not in message.options:
            message.options.update(_carried(context.get_current()))
            return
        parent = _parent(addressee(message)[0].traceparent)
        read_ns = message.message_timestamp * 1_000_000
        span = self._start("receive", message, parent, SpanKind.CONSUMER, read_ns)
        message.options.update(_carried(trace.set_span_in_context(span)))
        span.end()

    def after_refuse(self, broker: Broker, refusal: RefusedRequestError) -> None:
        """A request became no message. Its task names the span only if it exists: strangers may ask for any."""
        task_type = refusal.sender.task_type
        name = f"receive {task_type}" if task_type in broker.actors else "receive"
        attributes = _attributes("receive", refusal.sender) | {"error.type": refusal.code.value}
        span = self._tracer.start_span(name, _parent(refusal.sender.traceparent), SpanKind.CONSUMER, attributes)
        span.set_status(StatusCode.ERROR)
        span.end()

    def before_process_message(self, broker: Broker, message: Delivery) -> None:  # type: ignore[override]
        """An attempt begins: what the task itself records is inside its span."""
        parent = _parent(message.options.get(TRACE_OPTION) or message.sender.traceparent)
        span = self._start("process", message, parent, SpanKind.CONSUMER)
        span.set_attribute("callboard.attempt", message.attempt)
        inside = trace.set_span_in_context(span)
        message.trace = Run(span, inside, context.attach(inside))
        if message.sender.traceparent is not None:
            message.sender = message.sender._replace(traceparent=_carried(inside).get(TRACE_OPTION))

    def after_process_message(  # type: ignore[override]
        self, broker: Broker, message: Delivery, *, result: object = None, exception: BaseException | None = None
    ) -> None:
        """The attempt ended, for good or not."""
        self._end(message, exception)

    def after_skip_message(self, broker: Broker, message: Delivery) -> None:  # type: ignore[override]
        """AgeLimit skips a message that is too old."""
        self._end(message, None)

    def after_ack(self, broker: Broker, message: Delivery) -> None:  # type: ignore[override]
        """The outcome was published, with the acknowledgement."""
        self._record_publishing(message)

    def after_nack(self, broker: Broker, message: Delivery) -> None:  # type: ignore[override]
        """The same for a message that failed for good."""
        self._record_publishing(message)

    def _start(
        self,
        operation: str,
        message: Message[Any] | Delivery,
        parent: Context,
        kind: SpanKind,
        start_ns: int | None = None,
    ) -> Span:
        attributes = _attributes(operation, addressee(message)[0]) | {
            "messaging.destination.name": message.queue_name.removesuffix(".DQ"),
            "messaging.message.id": message.message_id,
        }
        name = f"{operation} {message.actor_name}"
        return self._tracer.start_span(name, parent, kind, attributes, start_time=start_ns)

    def _end(self, message: Delivery, exception: BaseException | None) -> None:
        run = message.trace
        context.detach(run.token)
        if exception is not None:
            run.span.set_status(StatusCode.ERROR)
            run.span.set_attribute("error.type", type(exception).__qualname__)
            with suppress(Exception):  # a task may raise even what cannot be printed
                run.span.record_exception(exception)
        run.span.end()
        message.trace = run._replace(ended_ns=time.time_ns())

    def _record_publishing(self, message: Delivery) -> None:
        """A span from the end of the attempt on: while Redis is away, the outcome waits for so long."""
        if message.answer is None:
            return  # another attempt follows
        run: Run | None = message.trace
        parent = run.inside if run else _parent(message.options.get(TRACE_OPTION))
        span = self._start("publish", message, parent, SpanKind.PRODUCER, run.ended_ns if run else None)
        span.set_attribute("messaging.operation.type", "send")
        span.set_attribute("messaging.destination.name", ",".join(message.answer.channels))
        span.end()


def _attributes(operation: str, sender: Sender) -> dict[str, str]:
    conversation = {"messaging.message.conversation_id": sender.request_id} if sender.request_id else {}
    return {
        "messaging.system": "redis",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
    } | conversation


def _parent(traceparent: object) -> Context:
    """The context that a message came with; without one, a new trace begins."""
    return PROPAGATOR.extract({TRACE_OPTION: str(traceparent)}, Context())


def _carried(inside: Context) -> dict[str, str]:
    """What a message takes along of a context: nothing when there is no span in it."""
    carrier: dict[str, str] = {}
    PROPAGATOR.inject(carrier, inside)
    return {TRACE_OPTION: carrier[TRACE_OPTION]} if carrier else {}
