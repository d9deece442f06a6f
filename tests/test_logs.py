"""A log line is Callboard's own, whatever it quotes: nobody outside can end it, steer a terminal with it, or read a
password in it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import RedisError

from client.redis_server import RedisServer
from logs import MAX_LINE_CHARACTERS, MAX_TRACEBACK_LINES, one_line
from monitoring.health import Health
from redis_place import without_secrets
from tests.configured import complaint, load
from tests.redis_under_test import start_redis
from tests.system import System, copy_project, environment, run_to_its_end
from tests.waiting import wait_until
from tests.wire import Wire, new_user
from transport.connection import connect
from transport.watchdog import Watchdog

PASSWORD = "hush-hush"  # noqa: S105

#: Ends the line in each of the ways there are, begins one of its own, clears the screen, writes from right to left.
FORGED = "x\n\r\x85\u2028\u2029\v2026-01-01 00:00:00.000 CRITICAL worker forged\x1b[2J\x9b31m\x07\0\u202e\u2066\ufeff"
AS_SHOWN = (
    r"x\n\r\x85\u2028\u2029\x0b2026-01-01 00:00:00.000 CRITICAL worker forged\x1b[2J\x9b31m\x07\x00\u202e\u2066\ufeff"
)

FAILING_TASK = """
from pydantic import BaseModel
from task import task

class Nothing(BaseModel): ...

@task()
def fails_with(text: str) -> Nothing:
    try:
        raise ValueError(text)
    except ValueError as error:
        raise RuntimeError(f"again {text}") from error
"""

#: How every line begins: as an entry, or behind the bar of a traceback.
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (DEBUG|INFO|WARNING|ERROR|CRITICAL) +[a-z]+ |    \| ")

CONFIGURE = (
    "from logs import configure_logging; from settings import load_settings; import logging, threading, warnings\n"
)
CONFIGURE += "from loguru import logger; configure_logging('trial', load_settings())\n"


#: Logs in each of the ways that a task, or what it uses, may have.
TALKING_TASKS = """
import logging
from loguru import logger
from pydantic import BaseModel
from task import task

class Nothing(BaseModel): ...

@task(max_attempts=2)
def talks() -> Nothing:
    logger.info("said by the task")
    logging.getLogger("library").warning("said by a library")
    raise RuntimeError("said by an error")

@task()
async def talks_async() -> Nothing:
    logger.info("said in a loop")
    return Nothing()
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("project"), {"fails_with.py": FAILING_TASK, "talks.py": TALKING_TASKS})


@pytest.fixture(scope="module")
def hostile_logs(project: Path) -> Iterator[dict[str, str]]:
    """What an ingress and a worker have logged, at the level that logs most, of requests that hold `FORGED`."""
    with start_redis() as server, System(project, server.url, LOG_LEVEL="DEBUG") as system, Wire(server.url) as wire:
        system.start("ingress")
        system.start("worker")
        assert wire.ask("fails_with", {"text": FORGED})["error_code"] == "failed"
        assert wire.ask(FORGED)["error_code"] == "unknown_task"
        assert wire.ask("fails_with", {"text": FORGED}, user_id=FORGED + new_user())["error_code"] == "failed"
        assert wire.ask("fails_with", {"text": FORGED}, reply_to=FORGED)["error_code"] == "invalid_request"
        assert wire.ask("fails_with", {FORGED: 1})["error_code"] == "invalid_parameters"
        yield {name: system.log(name) for name in ("ingress", "worker")}


def logged(project: Path, script: str, **variables: str) -> str:
    """What a process has on its standard error that sets up its log and runs `script`."""
    return run_to_its_end(project, ["-c", CONFIGURE + script], environment(None, **variables)).stderr


@pytest.mark.parametrize("name", ["ingress", "worker"])
def test_every_line_is_an_entry_or_belongs_to_the_one_above(hostile_logs: dict[str, str], name: str) -> None:
    assert [line for line in hostile_logs[name].split("\n")[:-1] if not LINE.match(line)] == []
    assert not re.search(r"^2026-01-01", hostile_logs[name], re.MULTILINE)


@pytest.mark.parametrize("name", ["ingress", "worker"])
def test_nothing_in_a_log_steers_a_terminal(hostile_logs: dict[str, str], name: str) -> None:
    assert "forged" in hostile_logs[name]
    assert {character for character in hostile_logs[name] if not character.isprintable()} == {"\n"}


def test_the_text_of_an_exception_shows_as_one_line_of_its_traceback(hostile_logs: dict[str, str]) -> None:
    assert f"    | ValueError: {AS_SHOWN}\n" in hostile_logs["worker"]
    assert f"    | RuntimeError: again {AS_SHOWN}\n" in hostile_logs["worker"]
    assert "    | The above exception was the direct cause of the following exception:\n" in hostile_logs["worker"]


@pytest.mark.parametrize(
    "script",
    [
        "logging.getLogger('apscheduler').error('%s', FORGED)",
        "logging.getLogger('redis').error(FORGED + '%d', 'x')",
        "warnings.warn(FORGED)",
        "threading.Thread(target=lambda: int(FORGED)).start()",
        "int(FORGED)",
        "raise ExceptionGroup(FORGED, [ValueError(FORGED), KeyError(FORGED)])",
        "error = ValueError('x'); error.add_note(FORGED); raise error",
    ],
)
def test_whoever_has_the_last_word_is_made_harmless(project: Path, script: str) -> None:
    log = logged(project, f"FORGED = {FORGED!r}\n{script}")
    assert "forged" in log
    assert {character for character in log if not character.isprintable()} == {"\n"}
    assert [line for line in log.split("\n")[:-1] if not LINE.match(line)] == []


def test_markup_and_fields_of_a_format_show_as_they_are(project: Path) -> None:
    assert "trial {level} <red>{}</red> {0}\n" in logged(project, "logger.error('{}', '{level} <red>{}</red> {0}')")


@pytest.mark.parametrize("text", ["Task 'tea': déjà vu 👍, 漢字", ""])
def test_a_text_in_order_stays_as_it_is(text: str) -> None:
    assert one_line(text) == text


@pytest.mark.parametrize("text", ["x" * 10_000, "\N{RIGHT-TO-LEFT OVERRIDE}" * 1_000, "\ud800" * 10_000])
def test_a_long_text_is_cut_and_says_so(text: str) -> None:
    assert len(one_line(text)) == MAX_LINE_CHARACTERS
    assert one_line(text).endswith("…")
    assert one_line(text).isprintable()


def test_a_text_that_just_fits_is_not_cut() -> None:
    assert one_line("x" * MAX_LINE_CHARACTERS) == "x" * MAX_LINE_CHARACTERS


def test_a_long_traceback_keeps_its_end(project: Path) -> None:
    chain = "error = None\nfor number in range(2000):\n    new = ValueError(f'error {number}')\n"
    log = logged(project, chain + "    new.__cause__, error = error, new\nlogger.opt(exception=error).error('x')")
    assert len(log.splitlines()) == MAX_TRACEBACK_LINES + 2
    assert log.endswith("    | ValueError: error 1999\n")
    assert "lines left out" in log


def test_in_json_each_entry_is_an_object_on_one_line(project: Path) -> None:
    log = logged(
        project, f"try: raise ValueError({FORGED!r})\nexcept ValueError: logger.exception('{{}}', 1)", LOG_FORMAT="json"
    )
    (line,) = log.splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["process"], entry["message"]) == ("ERROR", "trial", "1")
    assert entry["exception"].endswith(f"ValueError: {AS_SHOWN}")
    assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$", entry["time"])


def test_in_json_an_entry_without_an_exception_has_no_such_field(project: Path) -> None:
    (line,) = logged(project, "logger.info('x')", LOG_FORMAT="json").splitlines()
    assert set(json.loads(line)) == {"time", "level", "process", "message"}


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_every_entry_of_a_task_has_its_ids_and_no_other_entry_has(project: Path, log_format: str) -> None:
    with start_redis() as server, System(project, server.url, LOG_FORMAT=log_format) as system:
        system.start("ingress")
        system.start("worker")
        with Wire(server.url) as wire:
            talked = wire.ask("talks", request_id="r-1")["task_id"]
            talked_async = wire.ask("talks_async")["task_id"]
        system.stop("worker")
        entries = [line for line in system.log("worker").splitlines() if not line.startswith("    | ")]
    marks = (f"task_id={talked} request_id=r-1 ", f"task_id={talked_async} said in a loop")
    if log_format == "json":
        marks = (f'"task_id":"{talked}","request_id":"r-1",', f'"task_id":"{talked_async}","message":"said in a loop"')
    said = (
        "said by the task",
        "said by a library",
        "Failed to process message",
        "Retrying message",
        "Retries exceeded",
    )
    assert [entry for entry in entries if any(words in entry for words in said) and marks[0] not in entry] == []
    assert sum(marks[0] in entry for entry in entries) == 8
    assert [entry for entry in entries if marks[1] in entry]
    assert not [entry for entry in entries if "task_id" in entry and talked not in entry and talked_async not in entry]
    assert "task_id" not in entries[-1]


def test_what_consumers_repeat_while_redis_is_away_is_said_once_in_a_while(project: Path) -> None:
    script = """
for queue_name in ("default", "slow"):
    for attempt in range(50):
        logging.getLogger(f"dramatiq.worker.ConsumerThread({queue_name})").error("no Redis: %s", attempt)
        logging.getLogger("a.task").error("attempt %s", attempt)
"""
    log = logged(project, script)
    assert log.count("no Redis: 0") == log.count("no Redis") == 2
    assert log.count("attempt") == 100


@pytest.mark.parametrize("raised", ["task.Cancelled", "SystemExit", "ValueError"])
def test_what_interrupts_a_task_while_it_logs_comes_through_and_what_cannot_be_printed_does_not(
    project: Path, raised: str
) -> None:
    script = f"""
import sys
import task
class Odd:
    def __str__(self):
        raise {raised}
try:
    logging.getLogger("a.task").error("it is %s", Odd())
    print("went on", file=sys.stderr)
except BaseException as error:
    print("came through:", type(error).__name__, file=sys.stderr)
"""
    expected = "came through: Cancelled" if raised == "task.Cancelled" else "went on"
    assert expected in logged(project, script)


def test_another_format_is_refused() -> None:
    assert "log_format (from LOG_FORMAT) is 'xml'" in complaint({}, LOG_FORMAT="xml")
    assert load({"log_format": "json"}).log_format == "json"


def test_a_password_shows_in_no_log_even_when_redis_quotes_it(project: Path) -> None:
    # A Redis where AUTH is renamed does not know it, and says with which arguments it came.
    with RedisServer("--rename-command", "AUTH", "") as server:
        url = server.url.replace("redis://", f"redis://ada:{PASSWORD}@")
        with System(project, url) as system:
            for name in ("ingress", "scheduler", "worker"):
                system.launch(name)
                wait_until(lambda name=name: "'***'" in system.log(name), f"{name} was refused")  # type: ignore[misc]
                assert not any(PASSWORD in " ".join(process.cmdline()) for process in system.family(name))
                system.stop(name)
                assert PASSWORD not in system.log(name)


@pytest.mark.parametrize(
    "url", ["redis://:hush%2Dhush@db", "redis://db?password=hush-hush", "redis://ada:hush-hush@db/1"]
)
def test_the_log_knows_the_password_as_redis_gets_it(url: str) -> None:
    assert load({}, REDIS_URL=url).redis.secrets == {PASSWORD}
    assert load({}).redis.secrets == frozenset()


def test_nothing_shows_of_a_password_that_redis_quotes_in_part() -> None:
    # Redis quotes 128 bytes of the arguments.
    with RedisServer("--rename-command", "AUTH", "") as server:
        for length in (3, 16, 110, *range(115, 130), 2_000):
            password = (PASSWORD * 250)[:length]
            url = server.url.replace("redis://", f"redis://ada:{password}@")
            with connect(url) as client, pytest.raises(RedisError) as refused:
                client.ping()
            said = without_secrets(str(refused.value), load({}, REDIS_URL=url).redis.secrets)
            assert "'ada' '***'" in said
            assert password[:3] not in said


def test_what_only_begins_like_a_password_is_not_hidden() -> None:
    said = "no key 'hush-husband', nor 'hush-hush-hush' nor 'hush"
    assert without_secrets(said, frozenset({PASSWORD})) == said


def test_a_password_shows_in_no_page_about_health_even_when_redis_quotes_it() -> None:
    settings = load({}, REDIS_URL=f"redis://:{PASSWORD}@db")
    impatient = settings.monitoring.model_copy(update={"stalled_after_s": 0})
    watchdog = Watchdog()
    watchdog.expect("loop")
    watchdog.failed("loop", RedisError(f"unknown command 'AUTH', with args beginning with: '{PASSWORD}' "))
    health = Health("ingress", watchdog, lambda: None, settings.model_copy(update={"monitoring": impatient}))
    for report in (health.ready(), health.live()):
        (reason,) = report.reasons
        assert "with args beginning with: '***'" in reason
