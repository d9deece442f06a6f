"""Dead letters as an operator deals with them: `callboard dead`."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.common import current_millis

from client.redis_server import RedisServer
from tests.command_line import callboard, callboard_json
from tests.morgue import Morgue
from tests.system import System, environment
from tests.waiting import wait_until
from tests.web_page import WebPage
from tests.wire import Wire, new_user


@pytest.fixture
def morgue(redis_server: RedisServer, client: "redis.Redis") -> Iterator[Morgue]:
    with closing(Morgue(redis_server.url, client)) as morgue:
        yield morgue


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


def test_what_json_does_not_have_is_written_as_json(own: System, client: "redis.Redis") -> None:
    own.start("web")
    for text in ("whole", "half of a pair: \ud800"):
        parameters = {"n": float("nan"), "text": text}
        message: dramatiq.Message[Any] = dramatiq.Message("default", "any", (float("inf"),), parameters, {})
        client.zadd("dramatiq:default.XQ", {"x": current_millis()})
        client.hset("dramatiq:default.XQ.msgs", "x", message.encode())
        shown = callboard_json(own, "dead", "show", "x")
        assert (shown["parameters"], shown["arguments"]) == ({"n": "NaN", "text": text}, ["Infinity"])
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
