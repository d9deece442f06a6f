"""The `callboard` commands that send requests and look at them, each as a process of its own."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis

from client.redis_server import RedisServer, free_port
from tests.command_line import callboard, callboard_json
from tests.system import System, environment, run_to_its_end
from tests.waiting import wait_until
from tests.wire import Wire, new_user
from transport.connection import connect
from version import VERSION


def test_it_says_which_callboard_it_is(system: System) -> None:
    ended = callboard(system, "--version")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"callboard {VERSION}\n", "")


def test_send_prints_the_result(system: System) -> None:
    ended = callboard(system, "send", "reverse_string", "text=hello")
    assert (ended.returncode, json.loads(ended.stdout), ended.stderr) == (0, {"reversed_text": "olleh"}, "")


def test_send_prints_the_whole_outcome_as_json(system: System) -> None:
    outcome = callboard_json(system, "send", "reverse_string", "text=hello", "--user-id", "7", "--request-id", "r")
    assert (outcome["user_id"], outcome["request_id"], outcome["attempts"]) == (7, "r", 1)
    assert outcome["result"] == {"reversed_text": "olleh"}


def test_a_value_is_json_where_it_can_be_read_as_json(system: System) -> None:
    ended = callboard(system, "send", "generate_random_number", "min_value=3", "max_value=3")
    assert json.loads(ended.stdout) == {"number": 3}


def test_a_value_for_a_string_stays_one_whatever_it_looks_like(system: System) -> None:
    assert json.loads(callboard(system, "send", "reverse_string", "text=123").stdout) == {"reversed_text": "321"}


def test_a_value_for_an_optional_string_is_one_or_null(system: System) -> None:
    assert callboard_json(system, "send", "repeats", "label=123")["result"]["label"] == "123"
    result = callboard_json(system, "send", "repeats", "label=null", "title=null")["result"]
    assert (result["label"], result["title"]) == (None, "null")


def test_whoever_types_says_which_kind_a_value_has(system: System) -> None:
    words = ["mixed=3", "mixed:=3", 'mixed="3"', 'mixed:="3"', "mixed=three"]
    sent = [callboard_json(system, "send", "repeats", word)["result"]["mixed"] for word in words]
    assert sent == [3, 3, "3", "3", "three"]
    refused = callboard(system, "send", "repeats", "mixed:=three")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "'mixed:=three' should have JSON after ':=', a string in quotes" in refused.stderr


def test_a_durable_value_for_a_string_stays_one_too(system: System) -> None:
    ended = callboard(system, "send", "reverse_string", "text=123", "--durable")
    assert (json.loads(ended.stdout), ended.stderr) == ({"reversed_text": "321"}, "")


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


def test_nothing_that_comes_from_outside_steers_the_terminal(system: System) -> None:
    ended = callboard(system, "send", "reverse_string", "text=\x1b[2J\x9b[red]")
    assert json.loads(ended.stdout) == {"reversed_text": "]der[\x9bJ2[\x1b"}
    assert ended.stdout.replace("\n", "").isprintable()


def test_what_the_encoding_of_the_output_does_not_have_is_escaped(system: System) -> None:
    ended = callboard(system, "send", "reverse_string", "text=é€😀", PYTHONIOENCODING="ascii")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == '{\n  "reversed_text": "\\ud83d\\ude00\\u20ac\\u00e9"\n}\n'
    assert json.loads(ended.stdout) == {"reversed_text": "😀€é"}
    asked = callboard(system, "cancel", "none", "--user-id", "é", PYTHONIOENCODING="ascii")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert "--user-id '\\xe9'` shows" in asked.stdout


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


def test_send_without_waiting_prints_the_id_that_outcome_takes(system: System) -> None:
    with Wire(system.redis_url) as wire:
        user_id = new_user()
        sent = callboard(system, "send", "reverse_string", "text=abc", "--no-wait", "--user-id", user_id)
        assert wire.outcome_of(user_id)["request_id"] == sent.stdout.strip()
    ended = callboard(system, "outcome", sent.stdout.strip(), "--user-id", user_id)
    assert (ended.returncode, json.loads(ended.stdout)) == (0, {"reversed_text": "cba"})


def test_outcome_takes_a_task_id_as_well(system: System, wire: Wire) -> None:
    outcome = wire.ask("always_fails")
    ended = callboard(system, "outcome", outcome["task_id"], "--json")
    assert (ended.returncode, json.loads(ended.stdout)) == (1, outcome)


def test_an_outcome_that_is_not_there_is_told_by_the_exit_code(system: System) -> None:
    ended = callboard(system, "outcome", "no-such-request")
    assert ended.returncode == 6
    assert "no outcome is kept of a task 'no-such-request'" in ended.stderr


def test_tasks_are_those_of_the_running_system(system: System) -> None:
    ended = callboard(system, "tasks")
    (row,) = [line for line in ended.stdout.splitlines() if line.startswith("generate_random_number")]
    assert "min_value: " in row
    assert "max_value: " in row


def test_tasks_say_what_may_be_sent(system: System) -> None:
    ended = callboard(system, "tasks")
    (row,) = [line for line in ended.stdout.splitlines() if line.startswith("repeats")]
    assert row.split("\t")[1] == (
        'label: string or null = null, title: string = "untitled", sure: boolean or null = null, '
        'ready: boolean or null = true, mixed: integer or string = 0, colour: "red" or "blue" = "red", '
        "steps: array of integer or null = null, spot: {x: integer, note?: string} or null = null"
    )


def test_tasks_are_written_as_json_with_their_schemas(system: System) -> None:
    tasks = {task["name"]: task for task in callboard_json(system, "tasks")["tasks"]}
    assert tasks["reverse_string"]["parameters"]["required"] == ["text"]


def test_a_task_is_completed_by_the_shell(system: System) -> None:
    variables = {"_CALLBOARD_COMPLETE": "complete_bash", "COMP_WORDS": "callboard send rev", "COMP_CWORD": "2"}
    ended = run_to_its_end(
        system.project,
        ["-c", "import sys; sys.argv[0] = 'callboard'; from client.command import main; main()"],
        environment(system.redis_url, **variables),
    )
    assert ended.stdout.split() == ["reverse_string"]


def test_bench_measures_rate_and_latency(system: System) -> None:
    measured = callboard_json(system, "bench", "--requests", "200", "--outstanding", "20")
    assert (measured["requests"], measured["errors"]) == (200, {})
    assert 0 < measured["p50_ms"] <= measured["p95_ms"] <= measured["p99_ms"] <= measured["max_ms"]
    assert measured["per_s"] > 0


def test_bench_counts_the_requests_that_fail(system: System) -> None:
    ended = callboard(system, "bench", "generate_random_number", "min_value=x", "-n", "5", "--json")
    assert (ended.returncode, json.loads(ended.stdout)["errors"]) == (1, {"invalid_parameters": 5})


def test_bench_suggests_the_nearest_name(system: System) -> None:
    ended = callboard(system, "bench", "revers_string", "text=hello")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "did you mean 'reverse_string'?" in ended.stderr


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


def test_a_durable_request_needs_nobody_yet(project: Path) -> None:
    with RedisServer() as server:
        words = ["send", "reverse_string", "text=abc", "--durable", "--no-wait"]
        ended = run_to_its_end(project, ["-m", "client.command", *words], environment(server.url))
        assert (ended.returncode, ended.stderr) == (0, "")


def test_where_nobody_tells_what_a_task_takes_a_guess_is_told_and_can_be_avoided(project: Path) -> None:
    def told(*words: str) -> str:
        command = ["-m", "client.command", "send", "reverse_string", *words, "--durable", "--no-wait"]
        return run_to_its_end(project, command, environment(server.url)).stderr

    with RedisServer() as server, connect(server.url) as client:
        assert told("text=123", "of=abc") == (
            "callboard: nobody tells what 'reverse_string' takes, so what can be read as JSON is sent as JSON (text): "
            "for a string write 'text=\"...\"', for JSON text:=...\n"
        )
        assert told('text="123"', "number:=123") == ""
        requests: Any = client.xrange("tasks:stream")
        sent = [json.loads(fields[b"request"])["parameters"] for _, fields in requests]
    assert sent == [{"text": 123, "of": "abc"}, {"text": "123", "number": 123}]


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


def test_send_shows_what_happens_to_a_request(system: System) -> None:
    ended = callboard(system, "send", "always_fails", "--watch")
    assert ended.returncode == 1
    assert [line.split()[0] for line in ended.stderr.splitlines()] == [
        *("accepted", "started", "retrying", "started", "retrying", "started", "error"),
        "callboard:",
    ]


def test_send_writes_each_event_and_the_outcome_as_a_line_of_json(system: System) -> None:
    ended = callboard(system, "send", "reverse_string", "text=abc", "--watch", "--json")
    *events, outcome = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [event["event"] for event in events] == ["accepted", "started", "completed"]
    assert outcome["result"] == {"reversed_text": "cba"}


def test_cancel_ends_a_request_that_waits(system: System) -> None:
    with Wire(system.redis_url) as wire:
        user_id = new_user()
        words = ("send", "reverse_string", "text=abc", "--delay-ms", "60000", "--no-wait", "--user-id", user_id)
        sent = callboard(system, *words).stdout.strip()
        asked = callboard(system, "cancel", sent, "--user-id", user_id)
        assert asked.stdout == f"asked for; `callboard outcome {sent} --user-id {user_id}` shows what came of it\n"
        assert wire.outcome_of(user_id)["error_code"] == "cancelled"
