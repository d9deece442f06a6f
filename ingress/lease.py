"""Which of several ingresses takes in what all of them hear."""

import time
from contextlib import suppress
from uuid import uuid4

import redis
from loguru import logger
from redis.exceptions import LockError, LockNotOwnedError
from redis.lock import Lock

#: How long a lease outlives its holder, and how often it is renewed or sought: a standby takes over within 3 s.
LEASE_S = 2.2
RENEWAL_S = 1.0
SEARCH_S = 0.4

#: Out of memory Redis refuses a script's first write only if that may take memory. The holder of the lease answers
#: `overloaded` then, so there has to be one.
ACQUIRE = """
if redis.call("exists", KEYS[1]) == 1 then
    return 0
end
redis.call("del", KEYS[1])
redis.call("set", KEYS[1], ARGV[1], "px", ARGV[2])
return 1
"""

#: Longer than a standby takes to notice a free lease.
PATIENCE_S = 1.0

#: The most time for taking in leftovers, and for waiting for another ingress that does.
LEFTOVERS_S = 5.0


class _LeaseLock(Lock):
    """A Lock that is to be had when Redis is out of memory, too."""

    def do_acquire(self, token: str) -> bool:
        """Takes it if nobody has it."""
        acquire = self.redis.register_script(ACQUIRE)
        return bool(acquire(keys=[self.name], args=[token, int(LEASE_S * 1000)]))


class Lease:
    """A lock in Redis that expires, held by one process at a time.

    The holder may be stopped for longer than the lease lasts and not know that it has lost it. So Redis checks the
    token again in the step that takes requests in; see take_in.lua.
    """

    def __init__(self, client: "redis.Redis", key: str) -> None:
        self.key = key
        self._client = client
        self.token = uuid4().hex
        self.is_held = False
        self._lock = _LeaseLock(client, key, timeout=LEASE_S, blocking=False, thread_local=False)
        self._due_s = 0.0

    def seek(self) -> bool:
        """Whether this process holds the lease; takes or renews it when that is due.

        Raises:
            redis.RedisError: when Redis cannot say.
        """
        now_s = time.monotonic()
        if now_s >= self._due_s:
            if self.is_held:
                # Lost, it is not taken back in the same breath: whoever had it meanwhile has taken requests in, which
                # its holder has to know of.
                self._renew()
            else:
                self.is_held = self._lock.acquire(token=self.token)
            self._due_s = now_s + (RENEWAL_S if self.is_held else SEARCH_S)
        return self.is_held

    def lose(self) -> None:
        """Notes that another process holds it, or nobody."""
        self.is_held = False
        self._due_s = 0.0

    def release(self) -> None:
        """Lets another process have it at once."""
        if self.is_held:
            with suppress(LockError, redis.RedisError):
                self._lock.release()
            self.lose()

    def leave_to_others(self) -> None:
        """Does not seek it again until every other process had the time to do so."""
        self.release()
        self._due_s = time.monotonic() + PATIENCE_S

    def for_leftovers(self) -> Lock:
        """The lock for taking in leftovers: requests that only this ingress has heard before its connection was lost,
        while another one leads."""
        return Lock(self._client, f"{self.key}:rest", timeout=LEFTOVERS_S, sleep=0.05, blocking_timeout=LEFTOVERS_S)

    def _renew(self) -> None:
        try:
            self._lock.reacquire()
        except LockNotOwnedError:
            logger.warning("The lease {!r} has passed to another process", self.key)
            self.is_held = False
