"""Workers show one another that they are alive, and see when one is not."""

import os
import socket
from collections.abc import Collection
from typing import Any

import redis
from dramatiq.common import current_millis

from transport.presence import description
from transport.queue_names import remember

#: A worker shows itself this often, and is dead to the others when it has not for `ALIVE_MS`. Its messages are on their
#: way again within 10 s of its death. A task that holds Python's lock for longer than this makes its worker look dead.
BEAT_S = 1.5
ALIVE_MS = 5_500

#: One worker looks for dead ones, and no other one for so long; each offers to with every beat. So two looks are 3.5 s
#: apart at most, also when the one that has looked last is the one that died.
LOOK_MS = 2_000

#: The look before must have been shorter ago than this. If it was not, Redis or its clock has stopped or jumped, and
#: every worker looks dead; then they have until the next look to show themselves. Longer than two looks are apart, and
#: no longer than a sign of life lasts at least: `ALIVE_MS` but for a beat.
KEEP_LOOK_MS = 4_000

#: A stock Dramatiq worker shows itself with every fetch only. Source: `RedisBroker`, heartbeat_timeout.
STOCK_SILENCE_MS = 60_000

#: A worker that was silent for so long is not looked for any more. Dead letters are kept no longer, either.
FORGET_MS = 7 * 24 * 3600 * 1000

#: Every so many beats a worker shows itself to stock workers, too.
STOCK_BEAT = 10

#: What tells the ids of Callboard's workers from those.
WORKER_PREFIX = "callboard-"


def name_worker(unique_id: str) -> str:
    """The id of a worker of this process. It says where that runs, as its account is gone 5 s after its death."""
    return f"{WORKER_PREFIX}{unique_id}@{socket.gethostname()}:{os.getpid()}"


def whereabouts(worker_id: str) -> dict[str, Any]:
    """The `host` and the `pid` in such an id; nothing of a stock worker's."""
    if not worker_id.startswith(WORKER_PREFIX):
        return {}
    _, _, place = worker_id.partition("@")
    host, _, pid = place.rpartition(":")
    return {"host": host, "pid": int(pid)} if pid.isdecimal() else {}


def heartbeats_key(namespace: str) -> str:
    """Dramatiq's sorted set of the ids of all workers, each with when it has last shown itself there, in Unix ms."""
    return f"{namespace}:__heartbeats__"


def alive_key(namespace: str, worker_id: str) -> str:
    """What is there while a worker of Callboard is alive: its account of itself."""
    return f"{namespace}:__alive__.{worker_id}"


class Pulse:
    """One worker's signs of life, and its look at those of the others."""

    def __init__(self, client: "redis.Redis", namespace: str, worker_id: str) -> None:
        self._client = client
        self.namespace = namespace
        self.worker_id = worker_id
        self._beats = 0
        self._has_looked = False
        self._queue_names: set[str] = set()
        self._heartbeats = heartbeats_key(namespace)
        self._lock = f"{namespace}:__look__"
        self._last_look = f"{namespace}:__looked__"

    def work_for(self, queue_name: str) -> None:
        """Makes this worker known, and the queue. Before it takes a message, or nobody would miss it.

        Raises:
            redis.RedisError: it is not known.
        """
        self._queue_names.add(queue_name)
        self._join()

    def beat(self) -> None:
        """Shows that this worker is alive."""
        # Unlike SET, PEXPIRE is not refused when Redis is out of memory.
        is_known = self._client.pexpire(self._alive(self.worker_id), ALIVE_MS)
        self._beats += 1
        if not is_known or self._beats % STOCK_BEAT == 0:
            self._join()

    def leave(self) -> None:
        """Takes a worker that holds no message any more off the list."""
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.zrem(self._heartbeats, self.worker_id)
            pipeline.delete(self._alive(self.worker_id))
            pipeline.execute()

    def dead_workers(self) -> Collection[str] | None:
        """The ids of the workers that have died, if it is this worker's turn to look for them; else None."""
        # The one that has looked last need not ask with its next beat: that comes before `LOOK_MS` are over.
        self._has_looked = not self._has_looked and bool(
            self._client.set(self._lock, self.worker_id, nx=True, px=LOOK_MS)
        )
        if not self._has_looked:
            return None
        workers: Any = self._client.zrange(self._heartbeats, 0, -1, withscores=True)
        ours = [worker_id.decode() for worker_id, _ in workers if worker_id.startswith(WORKER_PREFIX.encode())]
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.mget(self._last_look, *map(self._alive, ours))
            pipeline.set(self._last_look, self.worker_id, px=KEEP_LOOK_MS)
            (last_look, *signs), _ = pipeline.execute()
        if last_look is None:
            return ()
        silent_since_ms = current_millis() - STOCK_SILENCE_MS
        dead = [worker_id for worker_id, sign in zip(ours, signs, strict=True) if sign is None]
        for worker_id, shown_ms in workers:
            if not worker_id.startswith(WORKER_PREFIX.encode()) and shown_ms < silent_since_ms:
                dead.append(worker_id.decode())
        return dead

    def forget_long_dead(self) -> None:
        """Takes workers off the list that have been silent for so long that nobody will bring their messages back."""
        self._client.zremrangebyscore(self._heartbeats, "-inf", current_millis() - FORGET_MS)

    def _join(self) -> None:
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.set(self._alive(self.worker_id), description("worker"), px=ALIVE_MS)
            # With its time, for a stock Dramatiq worker that looks after the same queues.
            pipeline.zadd(self._heartbeats, {self.worker_id: current_millis()})
            if self._queue_names:
                remember(pipeline, self.namespace, self._queue_names)
            pipeline.execute()

    def _alive(self, worker_id: str) -> str:
        return alive_key(self.namespace, worker_id)
