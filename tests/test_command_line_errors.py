"""What a `callboard` command says, and with which code it ends, where it cannot do what it is asked."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis

from client.redis_server import RedisServer, free_port
from tests.command_line import callboard
from tests.system import System, environment, run_to_its_end
from tests.waiting import wait_until
from tests.wire import Wire, new_user


def test_a_request_that_fails_ends_with_1_and_the_reason(system: System) -> None:
    ended = callboard(system, "send", "always_fails")
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "callboard: failed: this never works\n")


def test_an_unknown_task_suggests_the_nearest_name(system: System) -> None:
    ended = callboard(system, "send", "revers_string", "text=hello")
    assert ended.returncode == 2
    assert "did you mean 'reverse_string'?" in ended.stderr


def test_an_unknown_parameter_suggests_the_nearest_name(system: System) -> None:
    ended = callboard(system, "send", "reverse_string", "txt=hello")
    assert ended.returncode == 2
    assert "has no parameter 'txt'; did you mean 'text'?" in ended.stderr


def test_a_word_that_is_no_parameter_is_refused(system: System) -> None:
    ended = callboard(system, "send", "reverse_string", "hello")
    assert ended.returncode == 2
    assert "'hello' should be a parameter and its value: name=value" in ended.stderr


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["send", "reverse_string", "text=a", "--user-id", ""], "user_id"),
        (["send", "reverse_string", "text=a", "--request-id", "é"], "request_id"),
        (["send", "reverse_string", "text=a", "--delay-ms", "999999999999"], "delay_ms"),
        (["cancel", ""], "request_id"),
        (["cancel", "any", "--user-id", ""], "user_id"),
    ],
)
def test_what_can_be_no_request_is_a_wrong_command_line(system: System, words: list[str], named: str) -> None:
    ended = callboard(system, *words)
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (2, "", 1)
    assert f"'{named}'" in ended.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["send", "reverse_string", "text=\udcff"],
        ["cancel", "\udcff"],
        ["outcome", "\udcff"],
        ["outcome", "any", "--user-id", "\udcff"],
        ["dead", "show", "\udcff"],
        ["dead", "retry", "\udcff"],
        ["dead", "list", "--queue", "\udcff"],
    ],
)
def test_bytes_that_are_no_text_are_a_wrong_command_line(system: System, words: list[str]) -> None:
    ended = callboard(system, *words)
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (2, "", 1)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", [["send", "reverse_string", "text=abc"], ["tasks"]])
def test_where_the_output_has_no_room_it_is_one_line(system: System, words: list[str], unbuffered: str) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "client.command", *words],
            cwd=system.project,
            env=environment(system.redis_url, PYTHONUNBUFFERED=unbuffered),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=20,
            check=False,
        )
    told = "callboard: standard output does not take what is written to it: No space left on device\n"
    assert (ended.returncode, ended.stderr) == (1, told)


@pytest.mark.parametrize("words", ["tasks", "status", "contract"])
def test_where_the_output_is_closed_it_does_its_work(system: System, words: str) -> None:
    command = f'"{sys.executable}" -m client.command {words} >&-'
    ended = subprocess.run(
        ["sh", "-c", command],
        cwd=system.project,
        env=environment(system.redis_url),
        stderr=subprocess.PIPE,
        text=True,
        timeout=20,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_an_outcome_that_is_not_there_is_told_by_the_exit_code(system: System) -> None:
    ended = callboard(system, "outcome", "no-such-request")
    assert ended.returncode == 6
    assert "no outcome is kept of a task 'no-such-request'" in ended.stderr


def test_a_system_without_an_ingress_is_told_by_the_exit_code(project: Path) -> None:
    with RedisServer() as server:
        ended = run_to_its_end(
            project, ["-m", "client.command", "send", "reverse_string", "text=a"], environment(server.url)
        )
    assert ended.returncode == 3
    assert "nobody listens on channel 'tasks'" in ended.stderr


def test_a_load_that_nobody_takes_in_is_one_line(project: Path) -> None:
    with RedisServer() as server:
        ended = run_to_its_end(project, ["-m", "client.command", "bench", "-n", "300"], environment(server.url))
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr.startswith("callboard: nobody listens on channel 'tasks'")
    assert len(ended.stderr.splitlines()) == 1


def test_a_request_that_takes_too_long_is_told_by_the_exit_code(system: System, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    ended = callboard(system, "send", "waits_for", f"file={go_on}", "--timeout", "0.1")
    go_on.touch()
    assert ended.returncode == 4
    assert "no outcome of request" in ended.stderr


def test_whoever_stops_waiting_learns_how_to_find_and_to_cancel_the_request(system: System) -> None:
    user_id = new_user()
    words = ["waits", "seconds=20", "--request-id", "left", "--user-id", user_id]
    with Wire(system.redis_url) as wire:
        sending = subprocess.Popen(
            [sys.executable, "-m", "client.command", "send", *words, "--watch"],
            cwd=system.project,
            env=environment(system.redis_url),
            stderr=subprocess.PIPE,
            text=True,
        )
        assert sending.stderr
        assert sending.stderr.readline().startswith("accepted")
        sending.send_signal(signal.SIGINT)
        _, told = sending.communicate(timeout=15)
        assert sending.returncode == 130
        last = told.splitlines()[-1]
        assert last.startswith(f"callboard: the request goes on; `callboard outcome left --user-id {user_id}` shows")
        assert f"`callboard cancel left --user-id {user_id}`" in last
        assert callboard(system, "cancel", "left", "--user-id", user_id).returncode == 0
        assert wire.outcome_of(user_id)["error_code"] == "cancelled"


def test_a_redis_that_does_not_answer_is_told_by_the_exit_code_and_no_password(project: Path) -> None:
    url = f"redis://ada:hush-hush@127.0.0.1:{free_port()}/0"
    ended = run_to_its_end(project, ["-m", "client.command", "send", "reverse_string", "text=a"], environment(url))
    assert ended.returncode == 5
    assert len(ended.stderr.splitlines()) == 1
    assert "hush" not in ended.stderr


@pytest.mark.parametrize("command", ["status", "dead list", "outcome x", "watch", "tasks"])
def test_a_redis_that_quotes_the_password_is_not_quoted(project: Path, command: str) -> None:
    # One where AUTH is renamed does not know it, and says with which arguments it came.
    with RedisServer("--rename-command", "AUTH", "") as server:
        url = server.url.replace("redis://", "redis://ada:hush-hush@")
        ended = run_to_its_end(project, ["-m", "client.command", *command.split()], environment(url))
    assert ended.returncode == 5
    assert "refused the password" in ended.stderr
    assert "hush" not in ended.stderr


def test_a_file_that_cannot_be_written_is_named(system: System) -> None:
    ended = callboard(system, "contract", "--output", "no-such-folder/contract.json")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "callboard: --output is 'no-such-folder/contract.json': No such file or directory\n"


def test_whoever_asks_for_the_tasks_in_vain_leaves_nothing_in_a_queue(
    project: Path, redis_server: RedisServer, client: "redis.Redis"
) -> None:
    with System(project, redis_server.url) as own:
        own.start("ingress")
        assert callboard(own, "tasks", "--timeout", "0.5").returncode == 4
        assert callboard(own, "bench", "-n", "1", "--timeout", "0").returncode == 1

        def waiting() -> list[str]:
            messages: Any = client.hvals("dramatiq:default.msgs")
            return [json.loads(message)["actor_name"] for message in messages]

        wait_until(lambda: waiting() == ["reverse_string"], "only the request of bench itself waits")
    client.flushall()
