"""Workers show one another that they are alive, and notice when one is dead."""

import os
import socket
import time
from typing import Any

import redis
from dramatiq.common import q_name

from transport.presence import description
from transport.queue_names import REMEMBERED_MS
from transport.scripts import script

#: A worker shows itself this often, and counts as dead when it has not for `ALIVE_MS`. Its messages are on their way
#: again within 10 s of its death. A task that holds Python's lock for longer makes its worker look dead.
BEAT_S = 1.5
ALIVE_MS = 5_500

#: One worker looks for dead ones, and no other one for so long; each offers to with every beat. So two looks are at
#: most 3.5 s apart, even when the worker that has looked last is the one that died.
LOOK_MS = 2_000

#: A look counts only if the one before was no longer ago than this. Else Redis or its clock has stopped or jumped, and
#: every worker looks dead: they have until the next look to show themselves. It is longer than two looks are apart, and
#: no longer than a sign of life lasts at least, which is `ALIVE_MS` less a beat.
KEEP_LOOK_MS = 4_000

#: A stock Dramatiq worker is dead after this long: it shows itself only when it fetches. Source: `RedisBroker`,
#: heartbeat_timeout.
STOCK_SILENCE_MS = 60_000

#: A worker that was silent for so long is forgotten. Dead letters are kept no longer, either.
FORGET_MS = 7 * 24 * 3600 * 1000

#: Every so many beats, which is half of `STOCK_SILENCE_MS`, a worker shows itself to stock workers, too.
STOCK_BEAT = 20

#: What the ids of Callboard's workers begin with, and those of stock workers do not.
WORKER_PREFIX = "callboard-"


def name_worker(unique_id: str) -> str:
    """The id of a worker of this process. It says where that runs: what else it says of itself Redis forgets
    when it is dead."""
    return f"{WORKER_PREFIX}{unique_id}@{socket.gethostname()}:{os.getpid()}"


def whereabouts(worker_id: str) -> dict[str, Any]:
    """The `host` and the `pid` in the id of a worker; nothing for a stock worker's."""
    if not worker_id.startswith(WORKER_PREFIX):
        return {}
    _, _, process = worker_id.partition("@")
    host, _, pid = process.rpartition(":")
    return {"host": host, "pid": int(pid)} if pid.isdecimal() else {}


def heartbeats_key(namespace: str) -> str:
    """Dramatiq's sorted set of the ids of all workers, by when each last showed itself there, in Unix ms."""
    return f"{namespace}:__heartbeats__"


def alive_key(namespace: str, worker_id: str) -> str:
    """The key that exists while a worker of Callboard is alive, and holds what it says of itself."""
    return f"{namespace}:__alive__.{worker_id}"


class Pulse:
    """Shows that one worker is alive, and looks at the signs of life of the others."""

    def __init__(self, client: "redis.Redis", namespace: str, worker_id: str) -> None:
        self._client = client
        self.namespace = namespace
        self.worker_id = worker_id
        self._beats = 0
        self._beaten_s = time.monotonic()
        self._passes_on = False
        self._queue_names: set[str] = set()
        self._heartbeats = heartbeats_key(namespace)
        self._join_script = script(client, "clock", "join")
        self._look_script = script(client, "clock", "look")

    def work_for(self, queue_name: str) -> None:
        """Makes this worker and the queue known. To be called before it takes a message, or nobody would notice its
        death.

        Raises:
            redis.RedisError: it may not be known.
        """
        self._queue_names.add(q_name(queue_name))
        self._join()

    def beat(self) -> float:
        """Shows that this worker is alive; returns for how many seconds it had not, where the others took it for dead
        meanwhile, else 0."""
        now_s = time.monotonic()
        silent_s, self._beaten_s = now_s - self._beaten_s, now_s
        # Unlike SET, PEXPIRE is not refused when Redis is out of memory.
        is_known = self._client.pexpire(self._alive(self.worker_id), ALIVE_MS)
        self._beats += 1
        if not is_known or self._beats % STOCK_BEAT == 0:
            self._join()
        # One that is not known though it was not silent: Redis has forgotten all.
        return 0.0 if is_known or silent_s * 1000 < ALIVE_MS else silent_s

    def leave(self) -> None:
        """Takes this worker, which holds no message any more, off the list."""
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.zrem(self._heartbeats, self.worker_id)
            pipeline.delete(self._alive(self.worker_id))
            pipeline.execute()

    def dead_workers(self) -> list[bytes] | None:
        """The ids of the workers that have died, if it is this worker's turn to look for them; else None."""
        # When a look was just before a beat, its time is not over at the next one.
        if self._passes_on:
            self._passes_on = False
            return None
        # look.lua says the same, for three times as many commands. Below 0 when nobody has looked lately.
        if 0 < (left_ms := self._client.pttl(f"{self.namespace}:__look__")) <= LOOK_MS:
            self._passes_on = left_ms > BEAT_S * 1000
            return None
        words: list[str | int] = [self.worker_id, LOOK_MS, KEEP_LOOK_MS, WORKER_PREFIX, STOCK_SILENCE_MS]
        dead: list[bytes] | None = self._look_script(keys=[self.namespace], args=words)
        # Or another one came first, in the same moment.
        self._passes_on = True
        return dead

    def declare_dead(self, worker_id: str) -> None:
        """Has every look find this worker dead from now on."""
        self._client.delete(self._alive(worker_id))

    def forget_long_dead(self) -> None:
        """Takes dead workers off the list that have been silent for so long. To be called when their messages were
        brought back: after that nobody looks for these."""
        now_s, _ = self._client.time()
        self._client.zremrangebyscore(self._heartbeats, "-inf", now_s * 1000 - FORGET_MS)

    def _join(self) -> None:
        times_ms = (ALIVE_MS, REMEMBERED_MS)
        words: list[str | bytes | int] = [self.worker_id, description("worker"), *times_ms, *self._queue_names]
        self._join_script(keys=[self.namespace], args=words)

    def _alive(self, worker_id: str) -> str:
        return alive_key(self.namespace, worker_id)
