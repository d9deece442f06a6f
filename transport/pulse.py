"""Workers show one another that they are alive, and notice when one is dead. Those of one supervisor are a crew, and
shown together."""

import os
import re
import socket
import time
from typing import Any

import redis
from dramatiq.common import q_name

from transport.crew import Crew
from transport.presence import description
from transport.queue_names import REMEMBERED_MS
from transport.scripts import script

#: A worker notes this often that it is alive, and one of each crew shows that to Redis. A crew that was not shown, or a
#: worker that has not noted it, for `ALIVE_MS` counts as dead. Its messages are on their way again within 10 s of its
#: death. A task that holds Python's lock for longer makes its worker look dead.
BEAT_S = 1.5
ALIVE_MS = 5_500

#: The worker that shows its crew is replaced when it is so much later than it should be. So a crew without it is shown
#: after 3.3 s at most.
DELAY_S = 0.3

#: One worker looks for dead ones, and no other one for so long; each that shows a crew offers to with every beat. So
#: two looks are at most 3.5 s apart, even when the worker that has looked last is the one that died.
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

#: Every so many beats, which is half of `STOCK_SILENCE_MS`, a crew is shown to stock workers, too.
STOCK_BEAT = 20

#: What the ids of Callboard's workers begin with, and those of stock workers do not.
WORKER_PREFIX = "callboard-"

#: How the id of a worker in a crew begins.
IN_CREW = re.compile(f"{WORKER_PREFIX}([0-9a-f]+)[.]")


def name_worker(unique_id: str, crew: str) -> str:
    """The id of a worker of this process. It says where that runs: what else it says of itself Redis forgets
    when it is dead; and which crew it belongs to, if any."""
    return f"{WORKER_PREFIX}{f'{crew}.' if crew else ''}{unique_id}@{socket.gethostname()}:{os.getpid()}"


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


def crew_key(namespace: str, worker_id: str) -> str:
    """The hash of the workers that are alive in the crew of this one, with what each says of itself; as in look.lua."""
    crew = IN_CREW.match(worker_id)
    return f"{namespace}:__alive__.{crew[1] if crew else worker_id}"


class Pulse:
    """Shows that one worker is alive, and its crew for all; and looks at the signs of life of the others."""

    def __init__(self, client: "redis.Redis", namespace: str, worker_id: str, crew: Crew) -> None:
        self._client = client
        self.namespace = namespace
        self.worker_id = worker_id
        self._crew = crew
        self._crew_key = crew_key(namespace, worker_id)
        self._times_shown = 0
        self._beaten_s = time.monotonic()
        self._silent_s = 0.0
        self._passes_on = False
        self._queue_names: set[str] = set()
        self._heartbeats = heartbeats_key(namespace)
        self._join_script = script(client, "clock", "join")
        self._show_script = script(client, "clock", "show")
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
        self._silent_s, self._beaten_s = now_s - self._beaten_s, now_s
        is_known = self._crew.note_alive(self.worker_id)
        if self._shows_crew():
            is_known = self._show_crew() and is_known
        was_silent = self._silent_s * 1000 >= ALIVE_MS
        if not is_known or was_silent:  # or another one of its crew is about to take it for dead
            self._join()
        # One that is not known though it was not silent: Redis has forgotten all.
        return self._silent_s if was_silent and not is_known else 0.0

    def silent_mates(self) -> list[str]:
        """The ids of the others in the crew that have died or stand still. None while this worker itself has just stood
        still: then they may have with it, and show themselves with their next beats."""
        if self._silent_s > 2 * BEAT_S:
            return []
        return [member.worker_id for member in self._crew.members() if member.silent_s * 1000 >= ALIVE_MS]

    def leave(self) -> None:
        """Takes this worker, which holds no message any more, off the list."""
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.zrem(self._heartbeats, self.worker_id)
            pipeline.hdel(self._crew_key, self.worker_id)
            pipeline.execute()
        self._crew.leave(self.worker_id)

    def dead_workers(self) -> list[bytes] | None:
        """The ids of the workers that have died, if it is this worker's turn to look for them; else None."""
        if not self._shows_crew():
            return None
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
        """Has every look find this worker dead from now on, unless it shows itself."""
        self._client.hdel(crew_key(self.namespace, worker_id), worker_id)

    def forget(self, worker_id: str) -> None:
        """Takes a worker of the crew off its list, which was declared dead and holds no message any more."""
        self._crew.forget(worker_id)

    def forget_long_dead(self) -> None:
        """Takes dead workers off the list that have been silent for so long. To be called when their messages were
        brought back: after that nobody looks for these."""
        now_s, _ = self._client.time()
        self._client.zremrangebyscore(self._heartbeats, "-inf", now_s * 1000 - FORGET_MS)

    def _join(self) -> None:
        who = (self.worker_id, description("worker"), self._crew_key, ALIVE_MS, self._crew.predecessor)
        words: list[str | bytes | int] = [*who, REMEMBERED_MS, *self._queue_names]
        self._join_script(keys=[self.namespace], args=words)
        self._crew.enter(self.worker_id)

    def _shows_crew(self) -> bool:
        return self._crew.is_shown_by_this_process(BEAT_S + DELAY_S)

    def _show_crew(self) -> bool:
        """False when Redis has forgotten the crew, or has taken it for dead: then all have to join it again."""
        # Unlike HSET, PEXPIRE is not refused when Redis is out of memory.
        is_known = bool(self._client.pexpire(self._crew_key, ALIVE_MS))
        if not is_known:
            self._crew.forget_all()
        elif self._times_shown % STOCK_BEAT == 0:
            words: list[str | int] = [REMEMBERED_MS, *(member.worker_id for member in self._crew.members())]
            self._show_script(keys=[self.namespace], args=words)
        self._crew.note_shown()
        self._times_shown += 1
        return is_known
