"""`python -m scheduler`: fires the requests of `schedule` in the configuration, through the gate of all requests."""

import redis
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger
from loguru import logger
from pydantic_core import to_json

import actors  # noqa: F401 - declares the tasks
from broker import answers, broker, settings
from contract import RefusedRequestError
from ingress.gate import Gate
from ingress.intake import Intake
from logs import configure_logging
from setting_types import crontab_trigger
from settings import ScheduledJob
from task import catalogue
from transport.connection import StopRequest


def main() -> None:
    """Returns after a clean stop."""
    configure_logging("scheduler", settings.log_level)
    stop = StopRequest()
    stop.listen()
    gate = Gate(catalogue, settings.limits)
    intake = Intake(gate, broker, answers, broker.client, stop)
    scheduler = BackgroundScheduler(timezone="UTC")
    for number, job in enumerate(settings.schedule):
        request = _request(job)
        _refuse_wrong_job(gate, request, number)
        scheduler.add_job(_fire, _trigger(job), [intake, job.name, request], id=job.name, coalesce=True)
        logger.info("Job {!r}: {} {}", job.name, job.task_type, job.cron or f"every {job.interval_s:g} s")
    try:
        stop.until_redis_answers(broker.client.ping)
    except redis.RedisError as error:
        raise SystemExit(f"callboard: stopped without Redis: {error}") from None
    scheduler.start()
    logger.info("Ready: {} jobs, Redis at {}", len(settings.schedule), settings.redis.location)
    stop.pause()
    scheduler.shutdown()
    logger.info("Stopped")


def _trigger(job: ScheduledJob) -> BaseTrigger:
    if job.cron is not None:
        return crontab_trigger(job.cron, job.timezone)
    return IntervalTrigger(seconds=job.interval_s, timezone=job.timezone)


def _request(job: ScheduledJob) -> bytes:
    return to_json({"task_type": job.task_type, "user_id": job.user_id, "parameters": job.parameters})


def _refuse_wrong_job(gate: Gate, request: bytes, number: int) -> None:
    try:
        gate.admit(request)
    except RefusedRequestError as refusal:
        raise SystemExit(f"callboard: schedule[{number}] would be refused at every firing: {refusal}") from None


def _fire(intake: Intake, name: str, request: bytes) -> None:
    logger.debug("Firing {!r}", name)
    try:
        intake.take([request])
    except redis.RedisError as error:
        logger.warning("Job {!r} was not fired, the process stops and Redis does not answer: {}", name, error)


if __name__ == "__main__":
    main()
