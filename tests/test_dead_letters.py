"""Tasks that ended without success are found, explained, tried again or removed."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.common import current_millis

from client.redis_server import RedisServer
from contract import ErrorCode, Sender, TaskRequest
from tests.command_line import callboard, callboard_json
from tests.consumers import next_of
from tests.redis_under_test import key_prefix
from tests.system import System, environment
from tests.waiting import wait_until
from tests.web_page import WebPage
from tests.wire import Wire, new_user
from transport.answers import Answers
from transport.connection import connect
from transport.dead_letters import DeadLetter, DeadLetters
from transport.messages import Delivery, message_for
from transport.outcomes import Outcomes
from transport.redis_broker import KILLS_ITS_WORKERS, CallboardBroker


class Morgue:
    """A broker, the messages that it gives up, and the letters that are left of them."""

    def __init__(self, url: str, client: "redis.Redis") -> None:
        prefix = key_prefix(url)
        answers = Answers("results", outcome_ttl_s=60, request_id_ttl_s=60, key_prefix=prefix)
        self.client = client
        self.broker = CallboardBroker(
            connect(url), middleware=[Outcomes(answers, 1_000_000)], key_prefix=prefix, max_crashes=1
        )
        self.broker.declare_queue("default")
        self.letters = DeadLetters(self.broker.client, self.broker.namespace, ["default"], answers)

    def fail(self, error: str = "it broke", retries: int = 0, **fields: Any) -> Delivery:
        """A request whose task fails, and for good: it was tried so often before."""
        request = TaskRequest.model_validate({"task_type": "any", "user_id": "u"} | fields)
        self.broker.enqueue(message_for(request, "default", request.parameters).copy(options={"retries": retries}))
        return self.fail_next(error)

    def fail_next(self, error: str = "it broke") -> Delivery:
        """The same with what waits on the queue."""
        consumer = self.broker.consume("default", timeout=50)
        delivery = next_of(consumer)
        delivery.fail()
        self.broker.emit_after("process_message", delivery, exception=RuntimeError(error))
        consumer.nack(delivery)
        consumer.close()
        return delivery

    def begin(self) -> Delivery:
        """A message in the hands of a worker."""
        self.broker.enqueue(dramatiq.Message("default", "any", (), {}, {}))
        consumer = self.broker.consume("default", timeout=50)
        delivery = next_of(consumer)
        consumer.close()
        return delivery

    def put(self, data: bytes) -> None:
        """An entry that anybody may have put on the queue; a worker finds it."""
        self.client.hset("dramatiq:default.msgs", "odd", data)
        self.client.rpush("dramatiq:default", "odd")
        self.bury(self.broker)

    def bury(self, broker: CallboardBroker) -> None:
        """Has the worker of a broker find what is on the queue, which becomes a letter at once."""
        consumer = broker.consume("default", timeout=50)
        wait_until(lambda: next(consumer) is None and self.letters.count(), "it is a dead letter")
        consumer.close()

    def only(self) -> DeadLetter:
        (letter,) = self.letters.newest(10)
        return letter


@pytest.fixture
def morgue(redis_server: RedisServer, client: "redis.Redis") -> Iterator[Morgue]:
    morgue = Morgue(redis_server.url, client)
    yield morgue
    morgue.broker.close()
    morgue.broker.client.close()
    client.delete("dramatiq:default", "dramatiq:default.msgs")


def test_a_letter_says_why_it_is_dead_longer_than_its_outcome_is_kept(morgue: Morgue) -> None:
    delivery = morgue.fail("no such order", user_id=7, request_id="r-1", parameters={"n": 1})
    for key in morgue.client.scan_iter("callboard:outcome:*"):
        morgue.client.delete(key)
    letter = morgue.only()
    assert (letter.id, letter.sender) == (delivery.message_id, Sender(7, "any", "r-1"))
    assert (letter.error, letter.error_code, letter.attempts) == ("no such order", ErrorCode.FAILED, 1)
    assert letter.message is not None
    assert letter.message.kwargs == {"n": 1}
    assert abs(letter.died_ms - current_millis()) < 60_000


def test_a_message_that_killed_its_workers_says_so(morgue: Morgue, redis_server: RedisServer) -> None:
    delivery = morgue.begin()
    morgue.client.hset("dramatiq:default.suspects", delivery.redis_message_id, 1)
    other = Morgue(redis_server.url, morgue.client).broker
    morgue.client.delete(f"dramatiq:__alive__.{morgue.broker.broker_id}")
    morgue.client.set("dramatiq:__looked__", "", px=60_000)
    other.maintain()
    morgue.bury(other)
    other.close()
    assert (morgue.only().error, morgue.only().error_code) == (KILLS_ITS_WORKERS, ErrorCode.FAILED)


def test_what_nobody_can_read_says_so_and_is_known_by_the_id_that_redis_has(morgue: Morgue) -> None:
    morgue.put(b"\xff no message")
    letter = morgue.only()
    assert (letter.id, letter.data, letter.task_type, letter.attempts) == ("odd", b"\xff no message", None, None)
    assert "cannot be read" in letter.error
    assert morgue.letters.find("odd") == letter
    assert morgue.letters.retry([letter]) == 0
    assert morgue.only() == letter


def test_a_message_for_another_queue_says_so_and_is_retried_there(morgue: Morgue) -> None:
    morgue.put(dramatiq.Message("elsewhere", "any", (), {}, {}).encode())
    letter = morgue.only()
    assert letter.error == "It was on queue 'default', and it is for queue 'elsewhere'"
    assert morgue.letters.retry([letter]) == 1
    assert morgue.client.lrange("dramatiq:elsewhere", 0, -1) == [b"odd"]
    morgue.client.delete("dramatiq:elsewhere", "dramatiq:elsewhere.msgs")


def test_what_a_stock_worker_has_given_up_shows_the_traceback_that_it_left(morgue: Morgue) -> None:
    options = {"traceback": "Traceback:\nValueError: 1\n", "retries": 2}
    message: dramatiq.Message[Any] = dramatiq.Message("default", "any", (), {}, options)
    morgue.client.zadd("dramatiq:default.XQ", {"x": current_millis()})
    morgue.client.hset("dramatiq:default.XQ.msgs", "x", message.encode())
    assert morgue.only().error == "ValueError: 1 (of an attempt before the last one)"
    assert morgue.only().attempts is None


def test_a_retried_message_is_as_good_as_new(morgue: Morgue) -> None:
    died = morgue.fail(request_id="r-1", max_age_ms=5_000, parameters={"n": 1})
    assert morgue.letters.retry([morgue.only()]) == 1
    assert morgue.letters.count() == 0
    again = morgue.fail_next("it broke again")
    assert (again.message_id, again.kwargs, again.attempt) == (died.message_id, {"n": 1}, 1)
    assert again.message_timestamp >= died.message_timestamp
    assert set(again.options) == {"callboard", "max_age", "redis_message_id", "callboard_reason"}
    assert morgue.only().error == "it broke again"


def test_what_is_tried_again_is_claimed_by_its_task(morgue: Morgue) -> None:
    died = morgue.fail(request_id="r-1", retries=1)
    morgue.letters.retry([morgue.only()])
    assert morgue.client.get('callboard:request:"u":r-1') == died.message_id.encode()


def test_two_who_retry_one_letter_have_it_tried_once(morgue: Morgue) -> None:
    morgue.fail()
    letter = morgue.only()
    assert [morgue.letters.retry([letter]), morgue.letters.retry([letter])] == [1, 0]
    assert morgue.client.llen("dramatiq:default") == 1


def test_while_it_is_tried_again_the_outcome_of_the_failure_is_gone_and_a_repeat_waits(morgue: Morgue) -> None:
    died = morgue.fail(request_id="r-1")
    by_task, by_request = f"callboard:outcome:{died.message_id}", 'callboard:outcome:"u":r-1'
    assert morgue.client.mget(by_task, by_request) != [None, None]
    morgue.letters.retry([morgue.only()])
    assert morgue.client.mget(by_task, by_request) == [None, None]
    assert morgue.client.get('callboard:request:"u":r-1') is not None
    morgue.fail_next("it broke again")
    again = [json.loads(outcome or b"{}") for outcome in morgue.client.mget(by_task, by_request)]
    assert [outcome["error"] for outcome in again] == ["it broke again"] * 2


def test_the_outcome_of_a_later_request_with_the_same_id_is_left_alone(morgue: Morgue) -> None:
    morgue.fail(request_id="r-1")
    later = b'{"task_id":"another"}'
    morgue.client.set('callboard:outcome:"u":r-1', later, ex=60)
    morgue.letters.retry([morgue.only()])
    assert morgue.client.get('callboard:outcome:"u":r-1') == later


def test_letters_come_in_pages_the_newest_first(morgue: Morgue) -> None:
    for number in range(5):
        died = morgue.fail(str(number), task_type="odd" if number % 2 else "even")
        morgue.client.zadd("dramatiq:default.XQ", {died.redis_message_id: number})
    assert [letter.error for letter in morgue.letters.newest(2)] == ["4", "3"]
    assert [letter.error for letter in morgue.letters.newest(2, skipped=2)] == ["2", "1"]
    assert [letter.error for letter in morgue.letters.newest(9, task_type="odd")] == ["3", "1"]
    assert {letter.error for letter in morgue.letters.each("even")} == {"0", "2", "4"}
    assert (morgue.letters.count(), morgue.letters.count("odd"), morgue.letters.count("none")) == (5, 2, 0)


def test_a_purged_letter_leaves_nothing(morgue: Morgue) -> None:
    morgue.fail()
    assert morgue.letters.purge([morgue.only()]) == 1
    assert not morgue.client.exists("dramatiq:default.XQ", "dramatiq:default.XQ.msgs")


# And as an operator does it.


@pytest.fixture
def own(project: Path, redis_server: RedisServer, client: "redis.Redis") -> Iterator[System]:
    with System(project, redis_server.url) as system:
        yield system


def test_a_failed_task_is_found_explained_and_sent_again(
    own: System, redis_server: RedisServer, tmp_path: Path
) -> None:
    tally = tmp_path / "tally"
    own.start("ingress")
    own.start("worker")
    with Wire(redis_server.url) as wire:
        outcome = wire.ask("fails_until", {"attempt": 5, "tally": str(tally)}, user_id=(user := new_user()))
        assert outcome["error_code"] == "failed"
        wire.ask("finds_fault")
        listed = callboard_json(own, "dead", "list", "--task", "fails_until")
        assert (listed["total"], callboard_json(own, "dead", "list")["total"]) == (1, 2)
        ((letter),) = listed["letters"]
        assert (letter["id"], letter["error"], letter["attempts"]) == (outcome["task_id"], "attempt 4 of 5", 4)
        shown = callboard(own, "dead", "show", letter["id"]).stdout
        assert 'raise RuntimeError(f"attempt {attempts} of {attempt}")' in shown
        assert "RuntimeError: attempt 4 of 5" in shown
        assert f'"tally": {json.dumps(str(tally))}' in shown
        assert callboard(own, "dead", "retry", letter["id"]).stdout == "1 retried\n"
        again = wire.outcome_of(user)
        assert (again["task_id"], again["result"], again["attempts"]) == (letter["id"], {"text": "attempt 5"}, 1)
        assert callboard_json(own, "dead", "purge", "--all", "--yes") == {"purged": 1}
        assert callboard_json(own, "dead", "list") == {"total": 0, "letters": []}


def test_an_expired_request_and_one_past_its_limit_say_so(own: System, redis_server: RedisServer) -> None:
    own.start("ingress")
    with Wire(redis_server.url) as wire:
        wire.publish({"task_type": "always_fails", "user_id": "late", "max_age_ms": 1})
        wait_until(lambda: wire.client.llen("dramatiq:default"), "the request is queued")
        own.start("worker")
        wire.outcome_of("late")
        wire.ask("never_ends")
    codes = [letter["error_code"] for letter in callboard_json(own, "dead", "list")["letters"]]
    assert codes == ["timeout", "expired"]


@pytest.mark.parametrize("text", ["whole", "half of a pair: \ud800"])
def test_what_json_does_not_have_is_written_as_json(own: System, client: "redis.Redis", text: str) -> None:
    parameters = {"n": float("nan"), "text": text}
    message: dramatiq.Message[Any] = dramatiq.Message("default", "any", (float("inf"),), parameters, {})
    client.zadd("dramatiq:default.XQ", {"x": current_millis()})
    client.hset("dramatiq:default.XQ.msgs", "x", message.encode())
    shown = callboard_json(own, "dead", "show", "x")
    assert (shown["parameters"], shown["arguments"]) == ({"n": "NaN", "text": text}, ["Infinity"])
    own.start("web")
    with WebPage(own) as page:
        letter = page.get("/api/dead-letters/x").json()
    assert letter["parameters"] == json.loads(letter["parameters_json"]) == {"n": "NaN", "text": text}


@pytest.mark.parametrize(("typed", "code", "left"), [("y\n", 0, 0), ("\n", 1, 1), (None, 130, 1)])
def test_only_yes_removes_for_good_and_ctrl_c_is_told_from_no(
    own: System, morgue: Morgue, typed: str | None, code: int, left: int
) -> None:
    morgue.fail()
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "client.command", "dead", "purge", "--all"],
        cwd=own.project,
        env=environment(own.redis_url),
        stdin=inside,
        stderr=subprocess.PIPE,
    )
    with process, os.fdopen(terminal, "wb", buffering=0) as keyboard, os.fdopen(inside):
        assert process.stderr
        assert process.stderr.read(len("Remove")) == b"Remove"
        if typed is None:
            process.send_signal(signal.SIGINT)
        else:
            keyboard.write(typed.encode())
        assert process.wait(timeout=15) == code
    assert morgue.letters.count() == left


def test_without_a_terminal_a_list_is_lines_with_tabs(own: System, client: "redis.Redis") -> None:
    client.zadd("dramatiq:default.XQ", {"x": 1_700_000_000_000})
    client.hset("dramatiq:default.XQ.msgs", "x", b"\x1b[2J")
    head, line = callboard(own, "dead", "list").stdout.splitlines()
    assert head.split("\t")[:2] == ["id", "task_type"]
    assert line.split("\t")[:4] == ["x", "", "", "2023-11-14T22:13:20.000+00:00"]
    assert "\\x1b[2J" in callboard(own, "dead", "show", "x").stdout


@pytest.mark.parametrize("words", [["list"], ["retry", "--all"], ["purge", "--all", "--yes"]])
def test_a_task_that_no_letter_is_of_may_be_misspelt(own: System, morgue: Morgue, words: list[str]) -> None:
    ended = callboard(own, "dead", *words, "--task", "send_invoice")
    assert (ended.returncode, ended.stderr) == (0, "callboard: no dead letter is of a task 'send_invoice'\n")
    morgue.fail(task_type="send_invoices")
    ended = callboard(own, "dead", *words, "--task", "send_invoice")
    complaint = "callboard: no dead letter is of a task 'send_invoice'; did you mean 'send_invoices'?\n"
    assert (ended.returncode, ended.stderr) == (0, complaint)
    assert morgue.letters.count() == 1
    assert callboard(own, "dead", *words, "--task", "send_invoices").stderr == ""


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["show", "nobody"], 6, "no dead letter has the id 'nobody'"),
        (["retry", "nobody"], 6, "no dead letter has the id 'nobody'"),
        (["retry"], 2, "which ones?"),
        (["retry", "x", "--all"], 2, "not both"),
        (["retry", "x", "--task", "any"], 2, "which ones?"),
        (["purge", "--all"], 2, "add --yes"),
        (["retry", "x"], 1, "cannot be read"),
    ],
)
def test_a_command_that_does_nothing_says_why_and_fails(
    own: System, client: "redis.Redis", words: list[str], code: int, complaint: str
) -> None:
    client.zadd("dramatiq:default.XQ", {"x": 1})
    client.hset("dramatiq:default.XQ.msgs", "x", b"x")
    ended = callboard(own, "dead", *words)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert complaint in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert client.zcard("dramatiq:default.XQ") == 1


def test_a_redis_that_does_not_answer_is_one_line(project: Path) -> None:
    with RedisServer() as server, System(project, server.url) as system:
        server.stop()
        ended = callboard(system, "dead", "list")
        assert ended.returncode == 5
        assert ended.stderr.startswith("callboard: Redis at redis://127.0.0.1:")
        assert len(ended.stderr.splitlines()) == 1
        server.start()
