"""The `callboard` commands that send requests and look at them, each as a process of its own."""

import json
from pathlib import Path
from typing import Any

from client.redis_server import RedisServer
from tests.command_line import callboard, callboard_json
from tests.system import System, environment, run_to_its_end
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
