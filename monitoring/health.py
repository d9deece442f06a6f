"""Whether a process does what it is there for."""

import os
from collections.abc import Callable, Iterable
from typing import NamedTuple

import redis

from redis_place import without_secrets
from settings import Settings
from transport.watchdog import Watchdog


class Report(NamedTuple):
    """A process's answer; healthy when there is no reason against it."""

    role: str
    pid: int
    reasons: list[str]

    @property
    def healthy(self) -> bool:
        """Whether there is no reason against it."""
        return not self.reasons


class Health:
    """Judges one process by the progress of its loops.

    Parameters:
        ping: asks Redis, on a connection that no loop uses.
        settings: they say when a loop that has not come round is stalled, and what is not told to whoever asks.
    """

    def __init__(self, role: str, watchdog: Watchdog, ping: Callable[[], object], settings: Settings) -> None:
        self._role = role
        self._watchdog = watchdog
        self._ping = ping
        self._stalled_after_s = settings.monitoring.stalled_after_s
        self._secrets = settings.redis.secrets

    def ready(self) -> Report:
        """Whether it does its work now. Asks nothing of Redis."""
        missing = [f"{loop}: not begun yet" for loop in self._watchdog.missing()]
        return self._report(self._watchdog.stalled(self._stalled_after_s) or missing)

    def live(self) -> Report:
        """Healthy unless a restart would help: a loop is stalled, and Redis is not the reason. A process that waits for
        a Redis which is away, or refuses to write, comes back by itself."""
        # Not all that are stalled: Redis may answer a PING and refuse what matters, as a replica does.
        stuck = self._watchdog.stuck(self._stalled_after_s)
        return self._report(stuck if stuck and self._redis_answers() else [])

    def _redis_answers(self) -> bool:
        try:
            self._ping()
        except redis.RedisError:
            return False
        return True

    def _report(self, reasons: list[str]) -> Report:
        return Report(self._role, os.getpid(), [without_secrets(reason, self._secrets) for reason in reasons])


def joint(role: str, reports: Iterable[Report]) -> Report:
    """One report of all processes of a role: healthy when there is at least one, and each of them is."""
    found = list(reports)
    reasons = [f"pid {report.pid}: {reason}" for report in found for reason in report.reasons]
    return Report(role, os.getpid(), reasons if found else [f"no {role} runs here"])
