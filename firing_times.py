"""When the jobs of the schedule are due, by a clock that may be set while they wait."""

from datetime import UTC, datetime, timedelta

from apscheduler.job import Job
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger
from loguru import logger

#: Schedulers that start at different times agree on when a job with an interval is due: it is counted from here.
ANCHOR = datetime(2000, 1, 1, tzinfo=UTC)


class AnchoredInterval(IntervalTrigger):  # type: ignore[misc]
    """Fires at multiples of its interval since `ANCHOR`. APScheduler's own adds up, and with it rounding errors."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The first such time after the previous one, or from now on."""
        start = now if previous_fire_time is None else previous_fire_time + timedelta(milliseconds=1)
        due: datetime | None = super().get_next_fire_time(None, start)
        return due


class Recent(BaseTrigger):  # type: ignore[misc]
    """Fires when another trigger does, except for times more than `grace_s` ago: those would be skipped anyway.

    APScheduler lists all that was missed first. Where the clock comes from 1970, as at the start of a machine without
    a battery, or from an old snapshot, the list takes hours, and more memory than there is.
    """

    def __init__(self, trigger: BaseTrigger, grace_s: float) -> None:
        self._trigger = trigger
        self._grace = timedelta(seconds=grace_s)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The first time after the previous one that is recent enough, or from now on."""
        after = None if previous_fire_time is None else max(previous_fire_time, now - self._grace)
        due: datetime | None = self._trigger.get_next_fire_time(after, now)
        return due


class PunctualJobs(MemoryJobStore):  # type: ignore[misc]
    """A job store that works out anew at each look when every job is due.

    APScheduler does so only when a job has fired, so after the clock was set back all jobs would wait until the old
    time came again. A firing that is repeated by this has the same `request_id`, so that it changes nothing.
    """

    def get_due_jobs(self, now: datetime) -> list[Job]:
        """The jobs to be fired now; called at each wakeup, by the thread that fires them."""
        for job in self.get_all_jobs():
            due = job.trigger.get_next_fire_time(None, now)
            # By the time that has passed: Python compares what clocks of one zone show, which comes twice in autumn.
            if due.timestamp() < job.next_run_time.timestamp():
                logger.info("The clock was set back: job {!r} is due at {}, not {}", job.id, due, job.next_run_time)
                job.modify(next_run_time=due)
        due_jobs: list[Job] = super().get_due_jobs(now)
        return due_jobs
