"""Which of several ingresses takes in what all of them hear."""

import time
from contextlib import suppress
from typing import Literal
from uuid import uuid4

import redis
from loguru import logger
from redis.exceptions import LockError, LockNotOwnedError
from redis.lock import Lock

#: How long a lease outlives its holder, how often it is renewed, and how often sought: a standby takes over within 3 s.
LEASE_S = 2.2
RENEWAL_S = 1.0
SEARCH_S = 0.4

#: Below -1 where nobody holds it. One that lasts for longer than it is acquired for was there when Redis's clock was
#: set back: its holder may be dead, and one that lives is deposed.
#:
#: DEL first: out of memory Redis refuses a script's first write if that may take memory, and no later one. There has to
#: be a leader then, too: it answers `overloaded`.
ACQUIRE = """
local left_ms = redis.call("pttl", KEYS[1])
if left_ms >= -1 and left_ms <= tonumber(ARGV[2]) then
    return 0
end
redis.call("del", KEYS[1])
redis.call("set", KEYS[1], ARGV[1], "px", ARGV[2])
return 1
"""

#: How long a lease is left to others: longer than a standby takes to notice that it is free.
LEFT_TO_OTHERS_S = 1.0

#: The most time for taking in leftovers, and for waiting for another ingress that does.
LEFTOVERS_S = 5.0


class _LeaseLock(Lock):
    """A Lock that can be acquired when Redis is out of memory, too, and is renewed with fewer commands."""

    def do_acquire(self, token: str) -> bool:
        """Acquires it if nobody holds it."""
        acquire = self.redis.register_script(ACQUIRE)
        return bool(acquire(keys=[self.name], args=[token, int(LEASE_S * 1000)]))

    def do_reacquire(self) -> Literal[True]:
        """Renews it, without the script that redis-py has for that: an idle system does little else. Where another
        process holds it by now, its lease lasts longer for once, by no more than `LEASE_S`."""
        with self.redis.pipeline(transaction=False) as pipeline:
            pipeline.pexpire(self.name, int(LEASE_S * 1000))
            pipeline.get(self.name)
            _, token = pipeline.execute()
        if token != self.local.token:
            raise LockNotOwnedError("it is another process's")
        return True


class Lease:
    """A lock in Redis that expires, held by one process at a time.

    The holder may stand still for longer than the lease lasts, and not know that it has lost it. So Redis checks the
    token again in the step that takes requests in, see take_in.lua.
    """

    def __init__(self, client: "redis.Redis", key: str) -> None:
        self.key = key
        self._client = client
        self.token = uuid4().hex
        self.is_held = False
        self._lock = _LeaseLock(client, key, timeout=LEASE_S, blocking=False, thread_local=False)
        self._due_s = 0.0

    def seek(self) -> bool:
        """Whether this process holds the lease; acquires or renews it when that is due.

        Raises:
            redis.RedisError: when Redis cannot say.
        """
        now_s = time.monotonic()
        if now_s >= self._due_s:
            if self.is_held:
                # A lost lease is not acquired again in the same call: whoever held it meanwhile has taken requests in,
                # and the caller has to know of that.
                self._renew()
            else:
                self.is_held = self._lock.acquire(token=self.token)
            self._due_s = now_s + (RENEWAL_S if self.is_held else SEARCH_S)
        return self.is_held

    def lose(self) -> None:
        """Notes that this process does not hold it."""
        self.is_held = False
        self._due_s = 0.0

    def release(self) -> None:
        """Lets another process acquire it at once."""
        if self.is_held:
            with suppress(LockError, redis.RedisError):
                self._lock.release()
            self.lose()

    def leave_to_others(self) -> None:
        """Releases it, and does not seek it again until every other process has had the time to."""
        self.release()
        self._due_s = time.monotonic() + LEFT_TO_OTHERS_S

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
