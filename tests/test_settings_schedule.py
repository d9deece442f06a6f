"""The scheduled jobs of the configuration."""

from typing import Any

import pytest

from tests.configured import complaint, load


def schedule(**fields: Any) -> dict[str, Any]:
    """A file with one job, every minute, with these fields; a field that is None is left out."""
    job = {"name": "job", "interval_s": 60, "task_type": "reverse_string", "user_id": "scheduler"} | fields
    return {"schedule": [{name: value for name, value in job.items() if value is not None}]}


@pytest.mark.parametrize("interval_s", [1, 0.5, 86_400])
def test_a_job_may_run_at_an_interval(interval_s: float) -> None:
    assert load(schedule(interval_s=interval_s)).schedule[0].interval_s == interval_s


@pytest.mark.parametrize("cron", ["* * * * *", "*/5 9-17 * * mon-fri", "0 0 1 1 *"])
def test_a_job_may_run_by_a_crontab_expression(cron: str) -> None:
    assert load(schedule(interval_s=None, cron=cron)).schedule[0].cron == cron


def test_a_job_has_a_time_zone_and_parameters_where_it_needs_them() -> None:
    plain, special = (
        load(schedule(**fields)).schedule[0]
        for fields in ({}, {"timezone": "Europe/Berlin", "parameters": {"text": "x"}})
    )
    assert (plain.timezone, plain.parameters) == ("UTC", {})
    assert (special.timezone, special.parameters) == ("Europe/Berlin", {"text": "x"})


@pytest.mark.parametrize("user_id", ["scheduler", 7])
def test_the_user_id_of_a_job_keeps_its_json_type(user_id: str | int) -> None:
    loaded = load(schedule(user_id=user_id)).schedule[0].user_id
    assert loaded == user_id
    assert type(loaded) is type(user_id)


@pytest.mark.parametrize("fields", [{"cron": "* * * * *"}, {"interval_s": None}], ids=["both", "neither"])
def test_a_job_has_exactly_one_rhythm(fields: dict[str, Any]) -> None:
    line = complaint(schedule(**fields))
    assert "schedule[0]" in line
    assert "either cron or interval_s" in line


@pytest.mark.parametrize("field", ["name", "task_type", "user_id"])
def test_a_job_without_a_required_field_is_refused(field: str) -> None:
    assert f"schedule[0].{field} is missing" in complaint(schedule(**{field: None}))


@pytest.mark.parametrize(
    ("field", "value", "accepted"),
    [
        pytest.param("name", "a b", "1 to 64 of A-Z a-z 0-9 . _ -", id="name"),
        pytest.param("name", "", "1 to 64 of A-Z a-z 0-9 . _ -", id="name-empty"),
        pytest.param("task_type", 5, "string", id="task-type"),
        pytest.param("user_id", True, "string", id="user-id-boolean"),
        pytest.param("user_id", 1.5, "integer", id="user-id-fraction"),
        pytest.param("parameters", [], "should be a JSON object", id="parameters"),
        pytest.param("interval_s", 0, "equal to 0.01", id="interval-zero"),
        pytest.param("interval_s", -1, "equal to 0.01", id="interval-negative"),
        # It was one second.
        pytest.param("interval_s", 1e-7, "equal to 0.01", id="interval-short"),
        pytest.param("interval_s", True, "not a boolean", id="interval-boolean"),
        pytest.param("interval_s", "often", "a valid number", id="interval-text"),
        pytest.param("interval_s", float("inf"), "Input should be", id="interval-infinite"),
        pytest.param("interval_s", 1e300, "less than", id="interval-beyond-every-calendar"),
        pytest.param("timezone", "Mars/Base", "'Europe/Berlin'", id="timezone"),
        pytest.param("timezone", "Europe", "'Europe/Berlin'", id="timezone-folder"),
        pytest.param("timezone", "", "'Europe/Berlin'", id="timezone-empty"),
        pytest.param("timezone", "../../etc/passwd", "'Europe/Berlin'", id="timezone-path"),
    ],
)
def test_a_wrong_field_of_a_job_is_named_with_its_value(field: str, value: object, accepted: str) -> None:
    line = complaint(schedule(**{field: value}))
    assert f"schedule[0].{field}" in line
    assert repr(value) in line
    assert accepted in line


@pytest.mark.parametrize(
    "cron", ["", "* * * *", "* * * * * *", "60 * * * *", "*/0 * * * *", "a * * * *", "1-0 * * * *"]
)
def test_a_wrong_crontab_expression_is_refused_with_an_example(cron: str) -> None:
    line = complaint(schedule(interval_s=None, cron=cron))
    assert f"schedule[0].cron is {cron!r}" in line
    assert "'*/5 * * * *'" in line


def test_an_unknown_field_of_a_job_is_refused() -> None:
    assert "schedule[0].every is no setting" in complaint(schedule(every=5))


def test_two_jobs_cannot_have_one_name() -> None:
    assert "['job', 'job']" in complaint({"schedule": schedule()["schedule"] * 2})


def test_the_job_that_is_wrong_is_named_by_its_place() -> None:
    jobs = schedule()["schedule"] + schedule(name="second", interval_s=0)["schedule"]
    assert "schedule[1].interval_s is 0" in complaint({"schedule": jobs})
