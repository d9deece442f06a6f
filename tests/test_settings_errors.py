"""A wrong setting stops the program with one line: which key, which value, what is accepted."""

import os
from pathlib import Path
from unittest.mock import patch

import pytest

from errors import SettingsError
from settings import load_settings
from tests.configured import complaint, load

WRONG_VALUES = [
    pytest.param({"redis": {"host": "a b"}}, "redis.host", "'a b'", "a host name or an address", id="host"),
    pytest.param(
        {"redis": {"host": "db..x"}}, "redis.host", "'db..x'", "a host name or an address", id="host-empty-part"
    ),
    pytest.param({"redis": {"host": 5}}, "redis.host", "5", "string", id="host-number"),
    pytest.param({"redis": {"host": "h\n"}}, "redis.host", r"'h\n'", "a host name or an address", id="host-newline"),
    pytest.param({"redis": {"port": "abc"}}, "redis.port", "'abc'", "a valid integer", id="port-text"),
    pytest.param({"redis": {"port": 0}}, "redis.port", "0", "greater than or equal to 1", id="port-zero"),
    pytest.param({"redis": {"port": 65536}}, "redis.port", "65536", "less than or equal to 65535", id="port-large"),
    pytest.param({"redis": {"port": 1.5}}, "redis.port", "1.5", "a valid integer", id="port-fraction"),
    pytest.param({"redis": {"port": True}}, "redis.port", "True", "not a boolean", id="port-boolean"),
    pytest.param({"redis": {"port": None}}, "redis.port", "null", "a valid integer", id="port-null"),
    pytest.param({"redis": {"port": [1]}}, "redis.port", "[1]", "a valid integer", id="port-array"),
    pytest.param({"redis": "db"}, "redis", "'db'", "should be a JSON object", id="section"),
    pytest.param(
        {"redis": {"channels": {"tasks_queue": "a b"}}},
        "redis.channels.tasks_queue",
        "'a b'",
        "1 to 200 printable ASCII characters",
        id="channel-space",
    ),
    pytest.param(
        {"redis": {"channels": {"results_queue": ""}}},
        "redis.channels.results_queue",
        "''",
        "1 to 200 printable ASCII characters",
        id="channel-empty",
    ),
    pytest.param(
        {"redis": {"outcome_ttl_s": 0}}, "redis.outcome_ttl_s", "0", "greater than or equal to 1", id="ttl-zero"
    ),
    # Redis refuses to keep anything so long, at every outcome, when it is too late to say so.
    pytest.param({"redis": {"outcome_ttl_s": 10**30}}, "redis.outcome_ttl_s", "1000", "less than", id="ttl-endless"),
    pytest.param({"worker": {"max_attempts": 0}}, "worker.max_attempts", "0", "equal to 1", id="no-attempt"),
    pytest.param(
        {"worker": {"max_backoff_ms": 10**10}}, "worker.max_backoff_ms", "10000000000", "604800000", id="backoff-large"
    ),
    pytest.param(
        {"worker": {"min_backoff_ms": 9, "max_backoff_ms": 8}}, "worker", "9", "at most max_backoff_ms", id="backoff"
    ),
    pytest.param({"worker": {"max_crashes": 1}}, "worker.max_crashes", "1", "equal to 2", id="no-suspect"),
    pytest.param({"worker": {"processes": 0}}, "worker.processes", "0", "equal to 1", id="no-process"),
    pytest.param({"worker": {"threads": 1001}}, "worker.threads", "1001", "equal to 1000", id="threads"),
    pytest.param({"worker": {"shutdown_timeout_ms": 500}}, "worker.shutdown_timeout_ms", "500", "5000", id="shutdown"),
    pytest.param({"limits": {"request_bytes": -1}}, "limits.request_bytes", "-1", "equal to 1", id="limit"),
    pytest.param({"limits": {"reply_to": "x:*"}}, "limits.reply_to", "'x:*'", "should be a list", id="reply-to-text"),
    pytest.param({"limits": {"reply_to": ["x", "y z"]}}, "limits.reply_to[1]", "'y z'", "printable", id="reply-to"),
    pytest.param(
        {"monitoring": {"runtime_folder": "a\0"}},
        "monitoring.runtime_folder",
        r"'a\x00'",
        "path of a folder",
        id="folder",
    ),
    pytest.param({"log_level": "debug"}, "log_level", "'debug'", "'DEBUG', 'INFO'", id="log-level"),
]


@pytest.mark.parametrize(("content", "key", "value", "accepted"), WRONG_VALUES)
def test_one_line_names_the_key_its_value_and_what_is_accepted(
    content: object, key: str, value: str, accepted: str
) -> None:
    line = complaint(content)
    assert f"callboard.json: {key} is " in line
    assert value in line
    assert accepted in line


@pytest.mark.parametrize(
    ("variable", "value", "key"),
    [
        ("REDIS_HOST", "", "redis.host"),
        ("REDIS_HOST", "redis://db", "redis.host"),
        ("REDIS_PORT", "6379x", "redis.port"),
        ("REDIS_PORT", "", "redis.port"),
        ("REDIS_URL", "http://db", "redis.url"),
        ("REDIS_URL", "", "redis.url"),
        ("LOG_LEVEL", "loud", "log_level"),
    ],
)
def test_a_wrong_variable_is_named_beside_its_key(variable: str, value: str, key: str) -> None:
    assert f"{key} (from {variable}) is " in complaint({}, **{variable: value})


def test_a_host_with_its_port_in_it_is_refused() -> None:
    assert "redis.host" in complaint({}, REDIS_HOST="localhost:6380")


def test_every_wrong_key_is_named_in_the_same_line() -> None:
    line = complaint({"redis": {"host": 5, "port": 0}, "log_level": "loud"})
    assert all(key in line for key in ("redis.host", "redis.port", "log_level"))


@pytest.mark.parametrize(
    ("content", "key"),
    [
        pytest.param({"redis": {"hots": "db"}}, "redis.hots", id="redis"),
        pytest.param({"redis": {"channels": {"tasks": "t"}}}, "redis.channels.tasks", id="channels"),
        pytest.param({"worker": {"attempts": 3}}, "worker.attempts", id="worker"),
        pytest.param({"limits": {"bytes": 3}}, "limits.bytes", id="limits"),
        pytest.param({"redis": {"ho\nst": "db"}}, "redis.ho", id="newline"),
        pytest.param({"redis": {"x" * 100_000: "db"}}, "redis.xxx", id="long"),
    ],
)
def test_an_unknown_key_in_a_section_of_callboards_own_is_refused(content: object, key: str) -> None:
    line = complaint(content)
    assert key in line
    assert "is no setting" in line
    assert len(line) < 500


@pytest.mark.parametrize(
    "content",
    [{"redis": {"redis://:hush-hush@db": 1}}, {"web": "hush-hush-hush-hush"}, {"web": ["hush-hush-hush-hush"]}],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(content: object) -> None:
    assert "hush" not in complaint(content)


def test_a_variable_does_not_hide_that_its_section_of_the_file_is_wrong() -> None:
    assert "redis is 'oops'" in complaint({"redis": "oops"}, REDIS_HOST="db")


@pytest.mark.parametrize(
    "channels", [{"tasks_queue": "x", "results_queue": "x"}, {"tasks_queue": "results"}, {"results_queue": "tasks"}]
)
def test_requests_and_outcomes_cannot_share_a_channel(channels: dict[str, str]) -> None:
    assert "two different channels" in complaint({"redis": {"channels": channels}})


@pytest.mark.parametrize(
    "channels",
    [{"events": "tasks"}, {"control": "results"}, {"events": "x", "control": "x"}, {"tasks_queue": "control"}],
)
def test_events_and_control_messages_have_channels_of_their_own(channels: dict[str, str]) -> None:
    assert "each have a channel of their own" in complaint({"redis": {"channels": channels}})


@pytest.mark.parametrize(("pattern", "channel"), [("contr*", "control"), ("[e]vents", "events")])
def test_no_reply_may_go_where_it_would_be_taken_for_something_else(pattern: str, channel: str) -> None:
    assert f"{channel!r}" in complaint({"limits": {"reply_to": [pattern]}})


@pytest.mark.parametrize("pattern", ["*", "tasks", "t*", "[t]asks", "?asks"])
def test_no_reply_may_go_to_the_channel_of_the_requests(pattern: str) -> None:
    line = complaint({"limits": {"reply_to": ["results:*", pattern]}})
    assert "limits.reply_to" in line
    assert "'tasks'" in line


def test_a_long_value_is_cut_in_the_message() -> None:
    assert len(complaint({"redis": {"channels": {"tasks_queue": "x" * 100_000}}})) < 500


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "cannot be read as JSON", id="empty"),
        pytest.param(b'{"redis": {', "line 1 column 12", id="cut-off"),
        pytest.param(b"\xff\xff", "UTF-8", id="not-utf-8"),
        pytest.param(b"[" * 100_000, "cannot be read as JSON", id="deep"),
        pytest.param(b'{"redis": {"port": ' + b"1" * 5000 + b"}}", "cannot be read as JSON", id="5000-digits"),
        pytest.param(b"[]", "holds []", id="array"),
        pytest.param(b"null", "should hold a JSON object", id="null"),
    ],
)
def test_a_file_that_holds_no_json_object_is_refused(content: bytes, reason: str) -> None:
    line = complaint(content)
    assert "callboard.json" in line
    assert reason in line


@pytest.mark.parametrize("name", ["absent.json", "."])
def test_a_file_that_cannot_be_read_is_refused_with_the_variable_that_names_it(name: str, tmp_path: Path) -> None:
    path = str(tmp_path / name)
    with patch.dict(os.environ, {"CALLBOARD_CONFIG": path}), pytest.raises(SettingsError) as refused:
        load_settings()
    assert repr(path) in str(refused.value)
    assert "CALLBOARD_CONFIG" in str(refused.value)


def test_reply_patterns_may_be_none_at_all() -> None:
    assert load({"limits": {"reply_to": []}}).limits.reply_to == ()
