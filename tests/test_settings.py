"""Where a setting comes from: the environment over the file over the defaults."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from errors import SettingsError
from settings import load_settings
from tests.configured import OWN_VARIABLES, load

PROJECT = Path(__file__).parents[1]

FILE: dict[str, Any] = {"redis": {"host": "in-file", "port": 1111, "outcome_ttl_s": 60}, "log_level": "WARNING"}


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OWN_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_an_empty_file_leaves_the_defaults_of_the_design() -> None:
    settings = load({})
    assert (settings.redis.host, settings.redis.port) == ("localhost", 6379)
    channels = {"tasks_queue": "tasks", "results_queue": "results", "tasks_stream": "tasks:stream"}
    assert settings.redis.channels.model_dump() == channels | {"events": "events", "control": "control"}
    assert settings.redis.outcome_ttl_s == 3600
    assert settings.limits.request_bytes == 1024 * 1024
    assert settings.limits.reply_to == ("results:*",)
    assert settings.schedule == ()


def test_the_file_overrides_the_defaults() -> None:
    channels = {"tasks_queue": "requests", "tasks_stream": "requests:stream", "results_queue": "answers"}
    channels |= {"events": "news", "control": "wishes"}
    settings = load({"redis": {"host": "db", "port": 7000, "channels": channels}, "worker": {"max_attempts": 1}})
    assert settings.redis.connection_url == "redis://db:7000/0"
    assert settings.redis.channels.model_dump() == channels
    assert settings.worker.max_attempts == 1


@pytest.mark.parametrize(
    ("variables", "connection_url"),
    [
        pytest.param({"REDIS_HOST": "db"}, "redis://db:1111/0", id="host"),
        pytest.param({"REDIS_PORT": "2222"}, "redis://in-file:2222/0", id="port"),
        pytest.param({"REDIS_HOST": "db", "REDIS_PORT": "2222"}, "redis://db:2222/0", id="host-and-port"),
        pytest.param({"REDIS_URL": "rediss://db:3333/4"}, "rediss://db:3333/4", id="url"),
    ],
)
def test_the_environment_overrides_the_file(variables: dict[str, str], connection_url: str) -> None:
    assert load(FILE, **variables).redis.connection_url == connection_url


def test_redis_url_overrides_host_and_port_wherever_they_stand() -> None:
    settings = load(FILE, REDIS_HOST="other", REDIS_PORT="2222", REDIS_URL="unix:///run/redis.sock")
    assert settings.redis.connection_url == "unix:///run/redis.sock"


@pytest.mark.parametrize("variable", ["REDIS_HOST", "REDIS_PORT"])
def test_a_host_or_port_in_the_environment_overrides_a_url_in_the_file(variable: str) -> None:
    settings = load({"redis": {"url": "redis://in-file:1111/5"}}, **{variable: "2222"})
    assert "2222" in settings.redis.connection_url
    assert "in-file" not in settings.redis.connection_url


def test_a_variable_overrides_its_own_key_and_no_other_of_the_section() -> None:
    assert load(FILE, REDIS_HOST="db").redis.outcome_ttl_s == 60


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
def test_log_level_comes_from_the_environment_too(level: str) -> None:
    assert load(FILE, LOG_LEVEL=level).log_level == level


def test_a_variable_of_another_program_is_no_setting() -> None:
    assert load(FILE, WORKER="many", LIMITS="none", SCHEDULE="daily", REDIS="up").redis.host == "in-file"


@pytest.mark.usefixtures("bare_environment")
def test_the_file_is_config_json_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text(json.dumps(FILE))
    monkeypatch.chdir(tmp_path)
    assert load_settings().redis.host == "in-file"


@pytest.mark.usefixtures("bare_environment")
def test_callboard_config_names_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text('{"redis": {"host": "not-this-one"}}')
    (tmp_path / "other.json").write_text(json.dumps(FILE))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALLBOARD_CONFIG", "other.json")
    assert load_settings().redis.host == "in-file"


@pytest.mark.usefixtures("bare_environment")
def test_the_shipped_file_loads_and_has_an_example_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    settings = load_settings()
    assert settings.redis.connection_url == "redis://localhost:6379/0"
    assert len(settings.schedule) == 1


@pytest.mark.parametrize(
    "section",
    ["frontend", "backend", "websocket", "_comment", pytest.param("_build_sources", id="name-that-pydantic-knows")],
)
def test_sections_of_other_programs_are_left_alone(section: str) -> None:
    assert load(FILE | {section: {"port": "any", "redis": 1}}).redis.host == "in-file"


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [("shedule", "schedule"), ("limit", "limits"), ("Redis", "redis"), ("log-level", "log_level")],
)
def test_a_section_named_almost_like_one_of_callboards_is_refused(misspelt: str, meant: str) -> None:
    with pytest.raises(SettingsError, match=f"'{misspelt}' is none of Callboard's keys, and looks like '{meant}'"):
        load(FILE | {misspelt: {}})


def test_a_byte_order_mark_that_an_editor_left_is_no_obstacle() -> None:
    assert load(b"\xef\xbb\xbf" + json.dumps(FILE).encode()).redis.host == "in-file"


def test_settings_are_not_changed_after_the_start() -> None:
    settings = load({})
    with pytest.raises(ValidationError, match="frozen"):
        settings.redis = load(FILE).redis  # type: ignore[misc]
