"""The short run, without atheris: the kept corpus, thousands of inputs made of it, bursts of them on a real Redis."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import redis

from client.redis_server import RedisServer
from contract import RefusedRequestError
from ingress.gate import Gate
from ingress.intake import Intake
from ingress.queue_bound import QueueBound
from setting_sections import Limits
from tests.fuzz.mutation import mutated
from tests.fuzz.passage import RequestPath, expanded
from tests.fuzz.tasks import all_tasks
from tests.redis_under_test import key_prefix
from tests.waiting import DEADLINE_S
from transport.answers import Answers
from transport.arrivals import Origin
from transport.connection import StopRequest, connect
from transport.messages import addressee
from transport.redis_broker import CallboardBroker

CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())
TASKS = all_tasks()

INPUTS = 5_000
BURSTS = 40
BURST = 50

LAST = b"the last one"


def inputs(count: int) -> Iterator[bytes]:
    """The same ones each time: of the corpus, and of one another."""
    random = Random(20_261_124)  # noqa: S311 - no secret
    corpus = [file.read_bytes() for file in CORPUS]
    recent = deque(corpus, maxlen=500)
    for _ in range(count):
        data = mutated(random.choice(recent if random.random() < 0.7 else corpus), random)
        recent.append(data)
        yield data


def send(path: RequestPath, data: bytes) -> None:
    request = expanded(data)
    path.check(request, path.take(request))


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.name)
def test_an_input_of_the_corpus_is_answered_in_order(file: Path) -> None:
    send(RequestPath(TASKS), file.read_bytes())


def test_thousands_of_inputs_made_of_the_corpus_are_answered_in_order() -> None:
    path = RequestPath(TASKS)
    for data in inputs(INPUTS):
        try:
            send(path, data)
        except Exception as error:
            raise AssertionError(f"not answered in order: {data!r}") from error
    assert set(path.endings) >= {"completed", "invalid_json", "invalid_request", "invalid_parameters", "unknown_task"}


def test_each_request_of_a_hostile_burst_is_enqueued_or_answered(
    redis_server: RedisServer, client: "redis.Redis"
) -> None:
    prefix = key_prefix(redis_server.url)
    broker = CallboardBroker(connect(redis_server.url), middleware=[], key_prefix=prefix)
    answers = Answers("results", outcome_ttl_s=60, request_id_ttl_s=60, key_prefix=prefix)
    gate = Gate(TASKS, Limits())
    intake = Intake(gate, broker, answers, StopRequest(), QueueBound(broker, 1_000_000))
    results = client.pubsub(ignore_subscribe_messages=True)
    results.subscribe("results")
    results.get_message(timeout=DEADLINE_S)
    hostile = inputs(BURSTS * BURST)
    for _ in range(BURSTS):
        burst = [expanded(next(hostile)) for _ in range(BURST)]
        intake.take([(data, "") for data in burst], Origin())
        client.publish("results", LAST)
        heard = sum(1 for _ in iter(lambda: next_result(results), LAST))
        assert (enqueued(client), heard) == expected(gate, burst)
        client.flushall()
    results.close()
    broker.client.close()


def next_result(results: "redis.client.PubSub") -> bytes | None:
    message = results.get_message(timeout=DEADLINE_S)
    assert message, "nothing more on the results channel"
    data: bytes = message["data"]
    return data


def enqueued(client: "redis.Redis") -> int:
    return sum(client.hlen(f"dramatiq:{queue_name}.msgs") for queue_name in ("default", "default.DQ"))


def expected(gate: Gate, burst: list[bytes]) -> tuple[int, int]:
    """How many are enqueued and how many refused. Of several with one `request_id` of one user the first speaks for
    all: they are answered when it is done."""
    tasks, refused = set(), 0
    for number, data in enumerate(burst):
        try:
            sender, _ = addressee(gate.admit(data).message)
        except RefusedRequestError:
            refused += 1
        else:
            tasks.add((repr(sender.user_id), sender.request_id) if sender.request_id else number)
    return len(tasks), refused
