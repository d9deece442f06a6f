"""`python -m scheduler`: fires the requests of `schedule` in the configuration, through the gate of all requests.

Any number of schedulers may run. Each firing has a `request_id` made of the job's name and the time when it is due: so
the first scheduler has it performed, and the others change nothing.
"""

import quiet_interrupt  # noqa: F401 - first: the others take their time

# isort: split
from datetime import UTC, datetime

import redis
from apscheduler.executors.base import BaseExecutor
from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from loguru import logger
from pydantic_core import to_json

import actors  # noqa: F401 - declares the tasks
from broker import answers, broker, settings
from contract import RefusedRequestError
from crontab_times import crontab_trigger
from errors import CallboardError
from firing_times import ANCHOR, AnchoredInterval, PunctualJobs, Recent
from ingress.gate import Gate
from ingress.intake import PATIENCE_S, Intake
from ingress.queue_bound import QueueBound
from logs import configure_logging
from monitoring.metrics import RequestMetrics, not_installed, wants_metrics
from monitoring.process import monitored
from no_arguments import take_no_arguments
from setting_sections import ScheduledJob
from task import catalogue
from transport.arrivals import Origin
from transport.connection import StopRequest
from transport.presence import Presence

#: What the health of a scheduler calls its firing, and how often that has to come round.
LOOP = "schedule"
TURN_S = 2.0

#: What it calls its look whether Redis takes what it writes, as frequent: while nothing is due, firing asks Redis
#: nothing.
REDIS = "Redis"

#: How long Redis keeps when a job has last fired.
MEMORY_S = 30 * 24 * 3600


class FiringExecutor(BaseExecutor):  # type: ignore[misc]
    """Calls a job with the time when it was due, which APScheduler's own executors do not pass on."""

    def _do_submit_job(self, job: Job, run_times: list[datetime]) -> None:
        for due in run_times:
            job.func(due)
        # Only after this the caller counts the job as running, and it allows one run at a time: so the run is taken off
        # the count first.
        self._run_job_success(job.id, [])


class Firing:
    """Sends the request of one job, and keeps in Redis when it last did."""

    def __init__(self, job: ScheduledJob, intake: Intake, client: "redis.Redis", stop: StopRequest) -> None:
        self._job = job
        self._intake = intake
        self._client = client
        self._stop = stop
        self._last_key = f"{settings.redis.key_prefix}callboard:fired:{job.name}"

    def fire(self, due: datetime) -> None:
        """Sends the request that was due then, unless another scheduler has, or it is too late."""
        try:
            # First: while Redis is away, it may become too late for this firing.
            self._stop.until_redis_answers(self._client.ping, PATIENCE_S)
            if self._is_too_late(due):
                return
            logger.debug("Firing {!r} of {}", self._job.name, due)
            self._intake.take([(self.request(due), "")], Origin(once=True))
        except redis.RedisError as error:
            logger.warning("Job {!r} was not fired, the process stops: {}", self._job.name, error)
            return
        try:
            self._client.set(self._last_key, due.isoformat(), ex=MEMORY_S)
        except redis.RedisError as error:
            logger.warning("Job {!r} was fired, and Redis does not know: {}", self._job.name, error)

    def request(self, due: datetime) -> bytes:
        """The request as any client could send it."""
        job = self._job
        moment = due.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        request_id = f"schedule:{job.name}:{moment}Z"
        return to_json(
            {
                "task_type": job.task_type,
                "user_id": job.user_id,
                "parameters": job.parameters,
                "request_id": request_id,
            }
        )

    def next_due(self, trigger: BaseTrigger) -> datetime | None:
        """When to fire first: a time in the past, if that was missed while no scheduler ran and is not too old."""
        now = datetime.now(UTC)
        due: datetime | None = trigger.get_next_fire_time(self._last(now), now)
        return due

    def _is_too_late(self, due: datetime) -> bool:
        late_s = (datetime.now(UTC) - due).total_seconds()
        if late_s <= self._job.misfire_grace_s:
            return False
        logger.warning("Job {!r} was due at {}, {:.0f} s ago: that is skipped", self._job.name, due, late_s)
        return True

    def _last(self, now: datetime) -> datetime | None:
        kept = self._client.get(self._last_key)
        if not isinstance(kept, bytes):
            return None
        try:
            # No later than now: the clock may have been set back since.
            return min(datetime.fromisoformat(kept.decode()), now)
        except (ValueError, TypeError):  # TypeError: a time without a time zone
            what = "is no time with a time zone, so what the job has missed is not made up for"
            logger.warning("What Redis has at {} {}: {!r}", self._last_key, what, kept)
            return None


def main() -> None:
    """Returns after a clean stop."""
    configure_logging("scheduler", settings)
    stop = StopRequest(broker.watchdog)
    stop.listen()
    gate = Gate(catalogue, settings.limits)
    metrics = RequestMetrics() if wants_metrics(settings.monitoring.scheduler_port) else None
    count = metrics.count if metrics else None
    intake = Intake(gate, broker, answers, stop, QueueBound(broker, settings.limits.queue_length), count=count)
    firings = [(job, Firing(job, intake, broker.client, stop)) for job in settings.schedule]
    for index, (_, firing) in enumerate(firings):
        _refuse_wrong_job(gate, firing.request(datetime.now(UTC)), index)
    scheduler = BackgroundScheduler(
        timezone="UTC", jobstores={"default": PunctualJobs()}, executors={"default": FiringExecutor()}
    )
    page = metrics.page if metrics else not_installed
    try:
        with monitored("scheduler", settings, broker.watchdog, broker.client, loops=[LOOP, REDIS], metrics=page):
            if not stop.wait_for_redis(broker.client):
                return
            for job, firing in firings:
                _add(scheduler, job, firing)
            _run(scheduler, stop)
    except redis.RedisError as error:
        logger.critical("Stopped without Redis: {}", error)
        raise SystemExit(1) from None
    except CallboardError as error:
        raise SystemExit(f"callboard: {error}") from None
    logger.info("Stopped")


def _run(scheduler: BackgroundScheduler, stop: StopRequest) -> None:
    _watch_firing(scheduler)
    scheduler.start()
    logger.info("Ready: {} jobs, Redis at {}", len(settings.schedule), settings.redis.location)
    presence = Presence(broker.client, settings.redis.key_prefix, "scheduler")
    while not stop.received:
        _look_for_redis(presence)
        # APScheduler works out how far away the next firing is, and sleeps for so long, whatever the clock is set to
        # meanwhile.
        scheduler.wakeup()
        stop.pause(TURN_S)
    scheduler.shutdown()
    presence.leave()


def _look_for_redis(presence: Presence) -> None:
    try:
        # Not a PING: a replica answers that, too, and takes no request in.
        presence.show()
    except redis.RedisError as error:
        broker.watchdog.failed(REDIS, error)
    else:
        broker.watchdog.turned(REDIS)


def _watch_firing(scheduler: BackgroundScheduler) -> None:
    # A job like the others, done by the same thread: it does not come round while that waits for Redis with another
    # job.
    scheduler.add_job(
        lambda _: broker.watchdog.turned(LOOP),
        Recent(AnchoredInterval(seconds=TURN_S, start_date=ANCHOR), TURN_S),
        args=[ANCHOR],
        id=f"({LOOP})",
        coalesce=True,
        next_run_time=datetime.now(UTC),
    )


def _add(scheduler: BackgroundScheduler, job: ScheduledJob, firing: Firing) -> None:
    trigger = _trigger(job)
    scheduler.add_job(
        firing.fire,
        trigger,
        args=[ANCHOR],  # in place of the time, which the executor gives: APScheduler wants to see all arguments
        id=job.name,
        coalesce=job.coalesce,
        next_run_time=firing.next_due(trigger),
    )
    logger.info("Job {!r}: {} {}", job.name, job.task_type, job.cron or f"every {job.interval_s:g} s")


def _trigger(job: ScheduledJob) -> BaseTrigger:
    if job.cron is not None:
        trigger: BaseTrigger = crontab_trigger(job.cron, job.timezone)
    else:
        trigger = AnchoredInterval(seconds=job.interval_s, start_date=ANCHOR, timezone=job.timezone)
    return Recent(trigger, job.misfire_grace_s)


def _refuse_wrong_job(gate: Gate, request: bytes, index: int) -> None:
    try:
        gate.admit(request)
    except RefusedRequestError as refusal:
        raise SystemExit(f"callboard: schedule[{index}] would be refused at every firing: {refusal}") from None


if __name__ == "__main__":
    take_no_arguments("python -m scheduler", __doc__)
    main()
