"""What Prometheus reads of a whole system, and that the dashboard and the alerts ask for nothing else."""

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import promql_parser
import pytest
import redis
import yaml
from dramatiq.common import current_millis
from prometheus_client.parser import text_string_to_metric_families

from client.redis_server import RedisServer
from contract import ErrorCode
from monitoring.metrics import RequestMetrics
from tests.system import PROJECT
from tests.waiting import wait_until
from tests.watched import ROLES, Watched
from tests.wire import Wire
from transport.answers import Answer
from transport.arrivals import Origin, Refused

Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]

JOB = {"name": "tick", "interval_s": 0.2, "task_type": "generate_random_number", "user_id": "clock"}

ALERTS = PROJECT / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD = PROJECT / "deploy" / "grafana" / "callboard.json"
OPERATIONS = PROJECT / "docs" / "operations.md"


@pytest.fixture
def own(project: Path, redis_server: RedisServer, client: "redis.Redis", tmp_path: Path) -> Iterator[Watched]:
    with Watched(project, redis_server.url, tmp_path) as system:
        yield system


def scrape(system: Watched, role: str) -> Samples:
    """Every sample on a port, by name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{system.ports[role]}/metrics", timeout=10) as answer:
        return samples_in(answer.read().decode())


def samples_in(text: str) -> Samples:
    samples: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return samples


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get(f"callboard_{name}", {}).get(tuple(sorted(labels.items())), 0.0)


def wait_until_counted(count: int, system: Watched, role: str, name: str, **labels: str) -> None:
    """What was heard of may not be counted yet: a process counts what Redis has confirmed to it."""
    wait_until(lambda: value(scrape(system, role), name, **labels) == count, f"{name} is {count}")


def test_what_comes_in_is_counted_by_way_task_and_code(own: Watched, redis_server: RedisServer) -> None:
    own.start("ingress")
    own.start("worker")
    with Wire(redis_server.url) as wire:
        for _ in range(3):
            wire.ask("reverse_string", {"text": "abc"})
        wire.ask("weekday")
        wire.ask("make_tea")
        wire.client.xadd("tasks:stream", {"request": '{"task_type": "always_fails", "user_id": "u"}'})
        wire.outcome_of("u")
        unwanted = {"task_type": "reverse_string", "parameters": {"text": "abc"}, "delay_ms": 60_000}
        wire.publish(unwanted | {"user_id": "u", "request_id": "r"})
        wire.client.publish("control", '{"action": "cancel", "user_id": "u", "request_id": "r"}')
        assert wire.outcome_of("u")["error_code"] == "cancelled"
        wait_until_counted(1, own, "ingress", "requests_received_total", source="stream")
        wait_until_counted(1, own, "ingress", "requests_cancelled_total")
        wait_until_counted(4, own, "ingress", "requests_admitted_total", task="reverse_string")
        wire.client.zadd("dramatiq:__heartbeats__", {"a stock program, which may only send": current_millis()})
    seen = scrape(own, "ingress")
    assert value(seen, "requests_received_total", source="channel") == 6
    assert value(seen, "requests_refused_total", error_code="invalid_parameters") == 1
    assert value(seen, "requests_refused_total", error_code="unknown_task") == 1
    assert value(seen, "queue_messages", queue="default", state="dead") == 1
    assert (value(seen, "ingress_leads"), value(seen, "workers"), value(seen, "redis_up")) == (1, 1, 1)


def test_what_an_ingress_has_taken_in_that_does_not_lead_came_by_the_channel() -> None:
    metrics = RequestMetrics()
    refused = Refused(Answer(b"{}", (), ()), b"{}", ErrorCode.INVALID_REQUEST)
    metrics.count([refused], Origin(position_key="callboard:position:tasks"))
    samples = samples_in(metrics.page().body.decode())
    assert value(samples, "requests_received_total", source="channel") == 1


def test_a_task_nobody_declared_makes_no_label(own: Watched, redis_server: RedisServer, client: "redis.Redis") -> None:
    own.start("ingress")
    own.start("worker")
    with Wire(redis_server.url) as wire:
        for number in range(3):
            wire.ask(f"tea_{number}")
        message = {"queue_name": "default", "actor_name": "tea", "args": [], "kwargs": {}, "options": {}}
        client.hset("dramatiq:default.msgs", "m", json.dumps(message))
        client.rpush("dramatiq:default", "m")
        wait_until(lambda: client.zcard("dramatiq:default.XQ"), "it is a dead letter")
    labels = {"task": "unknown", "status": "error", "error_code": "unknown_task"}
    wait_until_counted(1, own, "worker", "outcomes_total", **labels)
    for role in ("ingress", "worker"):
        assert "tea" not in str(scrape(own, role))


def test_how_tasks_end_is_counted_over_all_processes_also_of_those_that_died(
    own: Watched, redis_server: RedisServer, tmp_path: Path
) -> None:
    own.configure(worker={"processes": 2})
    own.start("ingress")
    own.start("worker", TMPDIR=str(tmp_path))
    files = sorted(tmp_path.glob("callboard-metrics-*/*"))
    with Wire(redis_server.url) as wire:
        for _ in range(20):
            wire.ask("reverse_string", {"text": "abc"})
        assert wire.ask("always_fails")["attempts"] == 3
        labels = {"task": "reverse_string", "status": "completed", "error_code": ""}
        wait_until_counted(20, own, "worker", "outcomes_total", **labels)
        wait_until_counted(2, own, "worker", "retries_total", task="always_fails")
        wait_until_counted(1, own, "worker", "task_running_seconds_count", task="always_fails")
        own.kill("worker", children_only=True)
        wait_until(lambda: own.log("worker").count("consumes") == 4, "both are replaced")
        wire.ask("reverse_string", {"text": "abc"})
        wait_until_counted(21, own, "worker", "outcomes_total", **labels)
    seen = scrape(own, "worker")
    assert value(seen, "outcomes_total", task="always_fails", status="error", error_code="failed") == 1
    assert value(seen, "retries_total", task="always_fails") == 2
    assert value(seen, "task_waiting_seconds_count", task="always_fails") == 3
    assert sorted(tmp_path.glob("callboard-metrics-*/*")) == files != [], "a scrape takes longer with each file"


def test_the_wait_of_a_delayed_request_begins_when_it_is_due(own: Watched, redis_server: RedisServer) -> None:
    own.start("ingress")
    own.start("worker")
    with Wire(redis_server.url) as wire:
        asked_s = time.time()
        wire.ask("weekday", {"day": "2026-11-23"}, delay_ms=1_500)
        since_due_s = time.time() - asked_s - 1.5
    seen = scrape(own, "worker")
    assert value(seen, "task_waiting_seconds_count", task="weekday") == 1
    # It is the message that counts in whole ms.
    assert value(seen, "task_waiting_seconds_sum", task="weekday") <= since_due_s + 0.001


def test_the_ingress_says_when_redis_is_away(project: Path, tmp_path: Path) -> None:
    with RedisServer() as server, Watched(project, server.url, tmp_path) as own:
        own.start("ingress")
        server.stop()
        seen = scrape(own, "ingress")
        assert value(seen, "redis_up") == 0
        assert "callboard_queue_messages" not in seen
        server.start()


def test_without_the_package_health_works_and_metrics_say_what_to_install(own: Watched, tmp_path: Path) -> None:
    (tmp_path / "prometheus_client.py").write_text("raise ImportError")
    for role in ROLES:
        own.start(role, PYTHONPATH=str(tmp_path))
        assert "has no metrics" in own.log(role)
        with pytest.raises(HTTPError) as refused:
            scrape(own, role)
        assert b"install Callboard with its extra 'metrics'" in refused.value.read()
        refused.value.close()
        own.wait_until_ready(role)


def test_every_metric_that_is_asked_for_exists_with_its_labels_and_is_explained(
    own: Watched, redis_server: RedisServer
) -> None:
    own.configure(schedule=[JOB])
    for role in ROLES:
        own.start(role)
    with Wire(redis_server.url) as wire:
        wire.ask("make_tea")
        wire.ask("always_fails")
        wait_until(lambda: "callboard_requests_admitted_total" in scrape(own, "scheduler"), "a job has fired")
    assert "callboard_requests_cancelled_total" not in scrape(own, "scheduler"), "it hears of no cancellation"
    samples: Samples = {}
    for role in ROLES:
        for name, by_labels in scrape(own, role).items():
            samples.setdefault(name, {}).update(by_labels)
    queries = [*alert_queries(), *dashboard_queries()]
    assert len(queries) > 20
    for query in queries:
        for name, labels in asked_in(query):
            assert name in samples, query
            assert labels <= {label for each in samples[name] for label, _ in each}, query
    families = {re.sub("_(total|created|bucket|sum|count)$", "", name) for name in samples if "callboard" in name}
    explained = OPERATIONS.read_text()
    assert [name for name in families if name not in explained] == []
    assert set(re.findall(r"\bcallboard_[a-z_]+", explained)) <= families | set(samples)


def test_every_alert_is_explained() -> None:
    alerts = [rule["alert"] for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    assert [alert for alert in alerts if f"`{alert}`" not in OPERATIONS.read_text()] == []


def alert_queries() -> list[str]:
    return [rule["expr"] for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def dashboard_queries() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"].replace("$__rate_interval", "1m") for panel in panels for target in panel["targets"]]


def asked_in(query: str) -> list[tuple[str, set[str]]]:
    """Each metric of a query that Prometheus can read, with the labels that the query names; `le` is Prometheus's."""
    promql_parser.parse(query)
    labels = {label.strip() for found in re.findall(r"by \(([^)]*)\)", query) for label in found.split(",")}
    selectors = re.findall(r"\b(callboard_[a-z_]+)(?:\{([^}]*)\})?", query)
    return [(name, labels | set(re.findall(r"(\w+)\s*=~?", matchers))) for name, matchers in selectors]
