"""OpenTelemetry spans of a request, from the one that its client sends it in to the publishing of its outcome."""

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dramatiq
import pytest
from dramatiq import Worker
from dramatiq.middleware import AsyncIO, CurrentMessage, Retries
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from broker import broker as broker_of_the_configuration
from contract import TaskRequest
from ingress.gate import Gate
from ingress.intake import Intake
from ingress.queue_bound import QueueBound
from setting_sections import Limits
from task import catalogue
from tests.redis_under_test import key_prefix, start_redis
from tests.samples import PARENT_ID, TRACE_ID, TRACEPARENT, request_bytes
from tests.system import COMMANDS, PROJECT, System, environment, run_to_its_end
from tests.waiting import wait_until
from tests.wire import Wire
from transport.answers import Answers
from transport.arrivals import Admitted, Origin
from transport.connection import StopRequest, connect
from transport.messages import Delivery, message_for, seal
from transport.outcomes import Outcomes
from transport.redis_broker import CallboardBroker
from transport.tracing import Spans, spans


class Traced:
    """A broker and a worker in this process, whose spans are kept in memory until `clear` is called."""

    def __init__(self, redis_url: str) -> None:
        self._exporter = InMemorySpanExporter()
        self.clear = self._exporter.clear
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        answers = Answers("results", outcome_ttl_s=60, request_id_ttl_s=60, key_prefix=key_prefix(redis_url))
        retries = Retries(max_retries=1, min_backoff=1, max_backoff=2)
        middleware = [
            Spans(self.provider),
            Outcomes(answers, Limits().outcome_bytes),
            retries,
            CurrentMessage(),
            AsyncIO(),
        ]
        self.broker = CallboardBroker(connect(redis_url), middleware, key_prefix=key_prefix(redis_url))
        for function in (self.succeeds, self.succeeds_async, self.fails_first, self.fails):
            dramatiq.actor(broker=self.broker, actor_name=function.__name__)(function)
        bound = QueueBound(self.broker, 1_000_000)
        self.intake = Intake(Gate(catalogue, Limits()), self.broker, answers, StopRequest(), bound)
        self._worker = Worker(self.broker, worker_threads=1)
        self._worker.start()

    def succeeds(self) -> None:
        with self.provider.get_tracer("a task").start_as_current_span("work"):
            pass

    async def succeeds_async(self) -> None:
        await asyncio.sleep(0)
        self.succeeds()

    def fails_first(self) -> None:
        if Delivery.current().attempt == 1:
            raise RuntimeError("not yet")

    def fails(self) -> None:
        raise RuntimeError("never")

    def perform(self, task_type: str, **fields: Any) -> dict[str, ReadableSpan]:
        """The spans of one request, by their names; of several of one name the last."""
        request = TaskRequest(task_type=task_type, user_id="u", request_id="r", **fields)
        envelope = seal(message_for(request, "default", {}), request.delay_ms)
        self.broker.take_in([Admitted(envelope, b"{}")], Origin())
        wait_until(lambda: self.of_name(f"publish {task_type}"), "the outcome is published")
        return {span.name: span for span in self.spans()}

    def of_name(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans() if span.name == name]

    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def close(self) -> None:
        self._worker.stop()
        self.broker.close()
        self.broker.client.close()


@pytest.fixture(scope="module")
def worker_of_all() -> Iterator[Traced]:
    with start_redis() as server, closing(Traced(server.url)) as traced:
        yield traced


@pytest.fixture
def traced(worker_of_all: Traced) -> Traced:
    worker_of_all.clear()
    return worker_of_all


def parent_id(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


def span_id(span: ReadableSpan) -> int:
    identity: int = span.context.span_id
    return identity


def test_a_request_has_a_span_for_each_step_beneath_that_of_its_client(traced: Traced) -> None:
    found = traced.perform("succeeds", traceparent=TRACEPARENT)
    received, processed, published = (found[f"{step} succeeds"] for step in ("receive", "process", "publish"))
    assert parent_id(received) == int(PARENT_ID, 16)
    assert parent_id(processed) == span_id(received)
    assert parent_id(published) == span_id(processed)
    assert {span.context.trace_id for span in found.values()} == {int(TRACE_ID, 16)}
    assert [span.kind for span in (received, processed, published)] == [
        SpanKind.CONSUMER,
        SpanKind.CONSUMER,
        SpanKind.PRODUCER,
    ]


@pytest.mark.parametrize("task_type", ["succeeds", "succeeds_async"])
def test_what_a_task_records_is_inside_of_its_span(traced: Traced, task_type: str) -> None:
    found = traced.perform(task_type)
    assert parent_id(found["work"]) == span_id(found[f"process {task_type}"])


def test_a_request_without_a_trace_context_begins_a_trace(traced: Traced) -> None:
    found = traced.perform("succeeds")
    assert parent_id(found["receive succeeds"]) is None
    assert len({span.context.trace_id for span in found.values()}) == 1


def test_a_span_tells_of_which_request_it_is_and_nothing_of_what_is_in_it(traced: Traced) -> None:
    attributes = dict(traced.perform("succeeds")["process succeeds"].attributes or {})
    assert re.fullmatch("[0-9a-f-]{36}", str(attributes.pop("messaging.message.id")))
    assert attributes == {
        "messaging.system": "redis",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "default",
        "messaging.message.conversation_id": "r",
        "callboard.attempt": 1,
    }


def test_the_span_of_the_publishing_names_the_channels(traced: Traced) -> None:
    published = traced.perform("succeeds", reply_to="results:me")["publish succeeds"]
    assert (published.attributes or {})["messaging.destination.name"] == "results,results:me"


def test_each_attempt_has_a_span_and_only_the_last_is_published(traced: Traced) -> None:
    found = traced.perform("fails_first", traceparent=TRACEPARENT)
    first, second = traced.of_name("process fails_first")
    assert parent_id(first) == parent_id(second) == span_id(found["receive fails_first"])
    assert [span.status.status_code for span in (first, second)] == [StatusCode.ERROR, StatusCode.UNSET]
    assert first.events[0].name == "exception"
    assert len(traced.of_name("receive fails_first")) == len(traced.of_name("publish fails_first")) == 1
    assert parent_id(found["publish fails_first"]) == span_id(second)


def test_the_outcome_of_a_failure_is_published_in_a_span_too(traced: Traced) -> None:
    found = traced.perform("fails")
    assert (found["process fails"].attributes or {})["error.type"] == "RuntimeError"
    assert "publish fails" in found


def test_a_delayed_request_is_received_once(traced: Traced) -> None:
    found = traced.perform("succeeds", delay_ms=50, traceparent=TRACEPARENT)
    assert len(traced.of_name("receive succeeds")) == 1
    assert parent_id(found["process succeeds"]) == span_id(found["receive succeeds"])


def test_a_message_of_a_plain_send_takes_the_context_that_it_is_sent_in(traced: Traced) -> None:
    with traced.provider.get_tracer("a program").start_as_current_span("program") as program:
        traced.broker.get_actor("succeeds").send()
    wait_until(lambda: traced.of_name("publish succeeds"), "the outcome is published")
    (processed,) = traced.of_name("process succeeds")
    assert parent_id(processed) == program.get_span_context().span_id
    assert traced.of_name("receive succeeds") == []


@pytest.mark.parametrize(
    ("task_type", "parameters", "name", "code"),
    [("succeeds", 5, "receive succeeds", "invalid_request"), ("make_tea", {}, "receive", "unknown_task")],
)
def test_a_refused_request_has_one_span_that_says_why(
    traced: Traced, task_type: str, parameters: object, name: str, code: str
) -> None:
    data = request_bytes(task_type=task_type, parameters=parameters, traceparent=TRACEPARENT)
    traced.intake.take([(data, "")], Origin())
    (refused,) = traced.spans()
    assert (refused.name, refused.kind, refused.status.status_code) == (name, SpanKind.CONSUMER, StatusCode.ERROR)
    assert (refused.attributes or {})["error.type"] == code
    assert parent_id(refused) == int(PARENT_ID, 16)


def test_without_a_tracer_provider_there_is_nothing() -> None:
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    assert spans() == []
    assert [one for one in broker_of_the_configuration.middleware if isinstance(one, Spans)] == []


def test_without_the_extra_there_is_nothing_either() -> None:
    program = "import sys; sys.modules['opentelemetry'] = None; import broker; print('made')"
    assert run_to_its_end(PROJECT, ["-c", program], environment(None)).stdout == "made\n"


@pytest.fixture(scope="module")
def instrumented(project: Path) -> Iterator[System]:
    """An ingress and a worker, with the worker's processes, as `opentelemetry-instrument` starts them."""
    instrument = [str(Path(sys.executable).with_name("opentelemetry-instrument")), sys.executable]
    commands = {name: ([*instrument, *arguments], ready) for name, (arguments, ready) in COMMANDS.items()}
    variables = {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    # As in a deployment: what the variables of this machine say is not for this test.
    with start_redis() as server, System(project, server.url, OTEL_BSP_SCHEDULE_DELAY="10", **variables) as system:
        with patch.dict(COMMANDS, commands):
            system.start("ingress")
            system.start("worker")
        yield system


def test_a_deployment_is_traced_when_opentelemetry_instrument_starts_it(instrumented: System) -> None:
    with Wire(instrumented.redis_url) as wire:
        outcome = wire.ask("reverse_string", {"text": "abc"}, traceparent=TRACEPARENT)
    inside = re.fullmatch(f"00-{TRACE_ID}-([0-9a-f]{{16}})-01", outcome["traceparent"])
    assert inside
    assert inside[1] != PARENT_ID
    wait_until(lambda: "receive reverse_string" in instrumented.log("ingress"), "the ingress exports its span")
    wait_until(lambda: "publish reverse_string" in instrumented.log("worker"), "the worker exports its spans")
    # The outcome names the span that the task ran in.
    assert inside[1] in instrumented.log("worker")
    assert json.dumps(f"0x{TRACE_ID}") in instrumented.log("worker")
