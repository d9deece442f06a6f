"""When jobs are due, by a clock that is set while they wait."""

from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from crontab_times import crontab_trigger
from firing_times import ANCHOR, AnchoredInterval, PunctualJobs, Recent

NOW = datetime(2026, 11, 23, 12, 30, 30, tzinfo=UTC)

TRIGGERS = [AnchoredInterval(seconds=60, start_date=ANCHOR), crontab_trigger("* * * * *", "UTC")]


def minutes(trigger: BaseTrigger, previous: datetime | None) -> list[int]:
    """In which minutes around `NOW` a job is made up for that fired last at that time, and the next one."""
    found: list[int] = []
    while previous is None or previous <= NOW:
        due = trigger.get_next_fire_time(previous, NOW)
        assert due is not None
        found.append(due.minute)
        previous = due
    return found


@pytest.mark.parametrize("trigger", TRIGGERS, ids=["interval", "cron"])
@pytest.mark.parametrize(
    ("previous", "expected"),
    [
        (None, [31]),
        (NOW, [31]),
        (NOW - timedelta(seconds=100), [29, 30, 31]),
        (NOW - timedelta(days=20_000), [28, 29, 30, 31]),
    ],
    ids=["from now on", "just now", "missed", "the clock comes from 1972"],
)
def test_what_was_missed_is_listed_as_far_as_it_may_be_made_up_for(
    trigger: BaseTrigger, previous: datetime | None, expected: list[int]
) -> None:
    assert minutes(Recent(trigger, grace_s=180), previous) == expected


@pytest.mark.parametrize("trigger", TRIGGERS, ids=["interval", "cron"])
def test_a_job_that_waits_for_later_than_it_is_due_is_brought_forward(trigger: BaseTrigger) -> None:
    jobs = PunctualJobs()
    scheduler = BackgroundScheduler(timezone="UTC", jobstores={"default": jobs})
    scheduler.start(paused=True)
    waits = {"due": NOW, "overdue": NOW - timedelta(days=1), "late": NOW + timedelta(hours=1)}
    for name, due in waits.items():
        scheduler.add_job(print, trigger, id=name, next_run_time=due)
    assert [job.id for job in jobs.get_due_jobs(NOW)] == ["overdue", "due"]
    assert {job.id: job.next_run_time for job in jobs.get_all_jobs()} == waits | {"late": NOW + timedelta(seconds=30)}
    scheduler.shutdown()


def test_the_hour_that_comes_twice_in_autumn_is_no_clock_that_was_set_back() -> None:
    jobs = PunctualJobs()
    scheduler = BackgroundScheduler(timezone="UTC", jobstores={"default": jobs})
    scheduler.start(paused=True)
    before_the_change = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
    trigger = crontab_trigger("*/15 * * * *", "Europe/Berlin")
    due = trigger.get_next_fire_time(None, before_the_change)
    scheduler.add_job(print, trigger, id="quarterly", next_run_time=due)
    (job,) = jobs.get_due_jobs(before_the_change + timedelta(seconds=1))
    assert job.next_run_time.timestamp() == before_the_change.timestamp()
    scheduler.shutdown()
