"""Workers show one another that they are alive, and notice when one is dead. Those of one supervisor are a crew, and
shown together."""

import os
import re
import socket
import time
from typing import Any

import redis
from dramatiq.common import q_name

from transport.crew import Crew, Duty
from transport.presence import description
from transport.queue_names import REMEMBERED_MS
from transport.scripts import script

#: A worker notes this often that it is alive, and one of each crew shows that to Redis. A crew that was not shown, or a
#: worker that has not noted it, for `ALIVE_MS` counts as dead. Its messages are on their way again within 10 s of its
#: death. A task that holds Python's lock for longer makes its worker look dead.
BEAT_S = 1.5
ALIVE_MS = 5_500

#: Whoever of a crew comes round next after so long shows it: less than a beat, for one that is by itself.
SHOW_S = 1.35

#: How often it is looked whether Redis knows of all that a crew knows of.
ROLL_CALL_S = 6.0

#: One worker looks for dead ones, and then nobody for so long; each offers to with the beat after. So two looks are at
#: most 3.5 s apart, even when the worker that has looked last is the one that died.
LOOK_MS = 2_000

#: A look counts only if the one before was no longer ago than this. Else Redis or its clock has stopped or jumped, and
#: every worker looks dead: they have until the next look to show themselves. It is longer than two looks are apart, and
#: no longer than a sign of life lasts at least, which is `ALIVE_MS` less a beat. No less than twice `LOOK_MS`: one
#: whose beats are late, a little less than `LOOK_MS` apart, looks with every second, and none of its looks would count.
KEEP_LOOK_MS = 4_000

#: A stock Dramatiq worker is dead after this long: it shows itself only when it fetches. Source: `RedisBroker`,
#: heartbeat_timeout.
STOCK_SILENCE_MS = 60_000

#: A worker that was silent for so long is forgotten. Dead letters are kept no longer, either.
FORGET_MS = 7 * 24 * 3600 * 1000

#: How often a crew is shown to stock workers, too.
SHOW_TO_STOCK_S = STOCK_SILENCE_MS / 1000 / 2

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
        self._beaten_s = time.monotonic()
        #: The time between the last two beats.
        self._silent_s = 0.0
        self._has_left = False
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
        if self._crew.is_due(Duty.SHOW):
            self._show_crew()
            is_known = self._crew.note_alive(self.worker_id) and is_known
        was_silent = self._silent_s * 1000 >= ALIVE_MS
        if not is_known or was_silent:  # or another one of its crew is about to take it for dead
            self._join()
        # One that was not silent has to join when Redis has lost it, or it was wrongly taken for dead.
        return self._silent_s if was_silent and not is_known else 0.0

    def silent_mates(self) -> list[str]:
        """The ids of the others in the crew that have died or stand still. As late as this worker itself is, they may
        be, too: then the machine or Redis has stood still."""
        late_s = max(0.0, max(self._silent_s, time.monotonic() - self._beaten_s) - BEAT_S)
        mates = [member for member in self._crew.members() if member.worker_id != self.worker_id]
        return [mate.worker_id for mate in mates if mate.silent_s >= ALIVE_MS / 1000 + late_s]

    def leave(self) -> None:
        """Takes this worker, which holds no message any more, off the list for good."""
        # First: a beat may be under way in another thread, and find it missing.
        self._has_left = True
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.zrem(self._heartbeats, self.worker_id)
            pipeline.hdel(self._crew_key, self.worker_id)
            pipeline.execute()
        self._crew.take_off(self.worker_id)

    def dead_workers(self) -> list[bytes] | None:
        """The ids of the workers that have died, if it is this worker's turn to look for them; else None."""
        if not self._crew.is_due(Duty.LOOK):
            return None
        words: list[str | int] = [KEEP_LOOK_MS, LOOK_MS, WORKER_PREFIX, STOCK_SILENCE_MS]
        found: list[bytes] | int = self._look_script(keys=[self.namespace], args=words)
        dead, pause_ms = (None, found) if isinstance(found, int) else (found, LOOK_MS)
        self._crew.put_off(Duty.LOOK, pause_ms / 1000)
        return dead

    def declare_dead(self, worker_id: str) -> None:
        """Has every look find this worker dead from now on. One of this crew that lives after all joins again."""
        self._client.hdel(crew_key(self.namespace, worker_id), worker_id)
        self._crew.take_off(worker_id, ALIVE_MS / 1000)

    def forget_long_dead(self) -> None:
        """Takes dead workers off the list that have been silent for so long. To be called when their messages were
        brought back: after that nobody looks for these."""
        now_s, _ = self._client.time()
        self._client.zremrangebyscore(self._heartbeats, "-inf", now_s * 1000 - FORGET_MS)

    def _join(self) -> None:
        if self._has_left:
            return
        if (former := self._crew.occupant()) not in ("", self.worker_id):
            # It has died in this place. If this worker died before that is known, the next one would not know of it.
            self.declare_dead(former)
        self._crew.enter(self.worker_id)
        who = (self.worker_id, description("worker"), self._crew_key, ALIVE_MS)
        words: list[str | bytes | int] = [*who, REMEMBERED_MS, *self._queue_names]
        self._join_script(keys=[self.namespace], args=words)
        self._crew.note_joined()

    def _show_crew(self) -> None:
        worker_ids = [member.worker_id for member in self._crew.members()]
        # Unlike HSET, PEXPIRE is not refused when Redis is out of memory. 0 when Redis has forgotten the crew, or has
        # taken it for dead.
        if not self._client.pexpire(self._crew_key, ALIVE_MS):
            self._ask_to_join(worker_ids)
        self._crew.put_off(Duty.SHOW, SHOW_S)
        if not worker_ids:
            return
        if self._crew.is_due(Duty.CALL_ROLL):
            accounts = self._client.hmget(self._crew_key, worker_ids)
            # It was taken for dead just when it began to move again, or Redis has lost it.
            self._ask_to_join(
                [worker_id for worker_id, account in zip(worker_ids, accounts, strict=True) if not account]
            )
            self._crew.put_off(Duty.CALL_ROLL, ROLL_CALL_S)
        if self._crew.is_due(Duty.SHOW_TO_STOCK):
            self._show_script(keys=[self.namespace], args=[REMEMBERED_MS, *worker_ids])
            self._crew.put_off(Duty.SHOW_TO_STOCK, SHOW_TO_STOCK_S)

    def _ask_to_join(self, worker_ids: list[str]) -> None:
        for worker_id in worker_ids:
            self._crew.ask_to_join(worker_id)
