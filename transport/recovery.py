"""Brings back messages of dead workers and delayed ones that are due soon, and removes old dead letters."""

import time
from collections.abc import Sequence

import redis
from dramatiq.common import current_millis, dq_name

from transport.crew import Crew, Duty
from transport.pulse import Pulse
from transport.queue_names import known_queues
from transport.scripts import script

#: A delayed message is laid aside until so long before it is due.
HORIZON_MS = 30_000

#: The same of one that comes to a worker which holds many. Longer than `ADVANCE_S`, or it would come back too late.
NEAR_HORIZON_MS = 15_000

#: How often each crew looks for what is laid aside.
ADVANCE_S = 10.0

#: How often each crew removes old dead letters.
CLEAR_S = 60.0

#: A worker that was found dead so long ago is looked after every `CLEAR_S` only: by then hardly a question of it can be
#: with Redis, and to look takes some commands for each queue.
LONG_DEAD_S = 600.0

#: The messages of so many dead workers are brought back in one step; Redis does nothing else meanwhile.
BATCH = 200


def is_delay_queue(queue_name: str) -> bool:
    """Whether the messages of this queue wait for a time."""
    return queue_name == dq_name(queue_name)


class Recovery:
    """What the workers do for all of them together, one of them at a time. The ingress and the scheduler need not.

    Parameters:
        max_crashes: how often a message may be begun whose worker dies, before it is condemned; from 2 on.
        dead_letter_ttl_ms: how long a dead letter is kept.
    """

    def __init__(
        self, client: "redis.Redis", pulse: Pulse, crew: Crew, *, max_crashes: int, dead_letter_ttl_ms: int
    ) -> None:
        self._client = client
        self._pulse = pulse
        self._crew = crew
        self._recover_script = script(client, "recover")
        self._advance_script = script(client, "advance")
        self._clear_script = script(client, "clock", "clear")
        self._namespace = pulse.namespace
        self._max_crashes = max_crashes
        self._dead_letter_ttl_ms = dead_letter_ttl_ms
        #: When this worker has first found each of the dead ones so.
        self._found_s: dict[bytes, float] = {}

    def run_when_due(self) -> None:
        """Looks after all queues, if it is this worker's turn: also after those that it does not work for, since the
        next turn may be its own again.

        Raises:
            redis.RedisError: nothing is lost by that; the next run goes on.
        """
        self._look_after_mates()
        found = self._pulse.dead_workers()
        if found is None:
            return
        advances, clears = self._crew.is_due(Duty.ADVANCE), self._crew.is_due(Duty.CLEAR)
        dead = found if clears else self._dead_lately(found, time.monotonic())
        if not (dead or advances or clears):
            return
        queue_names = known_queues(self._client, self._namespace)
        self._bring_back(queue_names, dead)
        if advances:
            for queue_name in queue_names:
                self._advance(dq_name(queue_name))
            self._crew.put_off(Duty.ADVANCE, ADVANCE_S)
        if clears:
            for queue_name in queue_names:
                self._clear(queue_name)
            if dead:
                self._pulse.forget_long_dead()
            self._crew.put_off(Duty.CLEAR, CLEAR_S)

    def bring_back_from(self, worker_id: str) -> None:
        """Brings back what a worker held that is known to be dead.

        Raises:
            redis.RedisError: it is done when a look has found that worker dead.
        """
        self._pulse.declare_dead(worker_id)
        self._bring_back(known_queues(self._client, self._namespace), [worker_id.encode()])

    def _look_after_mates(self) -> None:
        for worker_id in self._pulse.silent_mates():
            self.bring_back_from(worker_id)

    def _bring_back(self, queue_names: Sequence[str], dead: Sequence[bytes]) -> None:
        # More than once, as long as they are on the list: a question of a worker that was frozen or cut off may still
        # be with Redis, and take messages after the worker was found dead.
        for first in range(0, len(dead), BATCH):
            for queue_name in (*queue_names, *map(dq_name, queue_names)):
                words: list[str | bytes | int] = [queue_name, self._max_crashes, *dead[first : first + BATCH]]
                self._recover_script(keys=[self._namespace], args=words)

    def _dead_lately(self, found: Sequence[bytes], now_s: float) -> list[bytes]:
        self._found_s = {worker_id: self._found_s.get(worker_id, now_s) for worker_id in found}
        return [worker_id for worker_id, found_s in self._found_s.items() if now_s - found_s < LONG_DEAD_S]

    def _advance(self, queue_name: str) -> None:
        while self._advance_script(keys=[self._namespace], args=[queue_name, current_millis() + HORIZON_MS]):
            pass

    def _clear(self, queue_name: str) -> None:
        while self._clear_script(keys=[self._namespace], args=[queue_name, self._dead_letter_ttl_ms]):
            pass
