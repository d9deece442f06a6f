"""What is going on now, as Redis tells it: queues, workers, ingresses, schedulers, the stream. Each method costs up to
three round trips, however much waits there."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import redis
from dramatiq.common import current_millis

from transport.arrivals import GROUP
from transport.presence import PRESENT_MS, index_key, lease_key
from transport.pulse import ALIVE_MS, STOCK_SILENCE_MS, WORKER_PREFIX, crew_key, heartbeats_key, whereabouts
from transport.queue_names import known_queues, namespace_of

#: A worker that was not seen for so long is left out.
FORGOTTEN_MS = 3600 * 1000

#: The most workers that are looked at.
MOST_WORKERS = 1_000


class QueueState(NamedTuple):
    """How many messages of a queue no worker has fetched, how many are in workers' hands (they run, or are the next),
    how many wait for their time, and how many dead letters it has."""

    name: str
    waiting: int
    in_hand: int
    delayed: int
    dead: int


class ProcessState(NamedTuple):
    """A process by its own account; None where it gives none. It has shown itself `shown_s` seconds ago, and is `alive`
    unless that is too long ago. The role "dramatiq" is that of a stock program: it may be a worker, or only send."""

    id: str
    role: str
    host: str | None
    pid: int | None
    since_ms: int | None
    shown_s: float
    alive: bool
    #: Of an ingress: whether it is the leader, which takes in what is published.
    leads: bool = False


class StreamState(NamedTuple):
    """How many entries of the stream no ingress has read yet, and how many were read and are not taken in."""

    lag: int
    pending: int


class MemoryState(NamedTuple):
    """Redis's memory in bytes; `limit_bytes` is 0 when it has no limit."""

    used_bytes: int
    limit_bytes: int


class Overview:
    """Looks at the Redis of one Callboard.

    Raises, in each of its methods:
        redis.RedisError: when Redis does not answer.
    """

    def __init__(self, client: "redis.Redis", key_prefix: str) -> None:
        self._client = client
        self._key_prefix = key_prefix
        self._namespace = namespace_of(key_prefix)
        self._heartbeats = heartbeats_key(self._namespace)

    def queues(self) -> list[QueueState]:
        """Each queue."""
        names = known_queues(self._client, self._namespace)
        workers: Sequence[Any] = self._client.zrange(self._heartbeats, -MOST_WORKERS, -1)
        with self._client.pipeline(transaction=False) as pipeline:
            for name in names:
                queue = f"{self._namespace}:{name}"
                pipeline.hlen(f"{queue}.msgs")
                pipeline.hlen(f"{queue}.DQ.msgs")
                pipeline.zcard(f"{queue}.XQ")
                # What waits is in a list and in lanes, among ids of messages that were cancelled: it is what is left
                # when those in hand are taken off.
                for worker_id in workers:
                    pipeline.scard(f"{self._namespace}:__acks__.{worker_id.decode()}.{name}")
            counts = iter(pipeline.execute())
        states = []
        for name in names:
            there, delayed, dead = (next(counts) for _ in range(3))
            in_hand = sum(next(counts) for _ in workers)
            states.append(QueueState(name, max(0, there - in_hand), in_hand, delayed, dead))
        return states

    def workers(self) -> list[ProcessState]:
        """Each worker process, also one that was lost within the last hour."""
        since_ms = current_millis() - FORGOTTEN_MS
        shown: Sequence[Any] = self._client.zrange(self._heartbeats, -MOST_WORKERS, -1, withscores=True)
        recent = [(worker_id.decode(), shown_ms) for worker_id, shown_ms in shown if shown_ms > since_ms]
        with self._client.pipeline(transaction=False) as pipeline:
            for worker_id, _ in recent:
                crew = crew_key(self._namespace, worker_id)
                pipeline.hmget(crew, [worker_id])
                pipeline.pttl(crew)
            replies = pipeline.execute()
        signs = _signs([account for (account,) in replies[::2]], replies[1::2], ALIVE_MS)
        states = []
        for (worker_id, shown_ms), (account, silent_s) in zip(recent, signs, strict=True):
            stock_silence_ms = max(0.0, current_millis() - shown_ms)
            shown_s = stock_silence_ms / 1000 if silent_s is None else silent_s
            is_stock = not worker_id.startswith(WORKER_PREFIX)
            alive = silent_s is not None or (is_stock and stock_silence_ms < STOCK_SILENCE_MS)
            role = "dramatiq" if is_stock else "worker"
            states.append(_process(worker_id, account or whereabouts(worker_id), shown_s, alive, role=role))
        return states

    def ingresses_and_schedulers(self, tasks_channel: str) -> list[ProcessState]:
        """Each ingress and each scheduler that runs."""
        index = index_key(self._key_prefix)
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.smembers(index)
            pipeline.get(lease_key(self._key_prefix, tasks_channel))
            members, token = pipeline.execute()
        leader = f"ingress:{token.decode()}" if token else None
        ids = sorted(member.decode() for member in members)
        with self._client.pipeline(transaction=False) as pipeline:
            for process_id in ids:
                pipeline.get(f"{index}:{process_id}")
                pipeline.pttl(f"{index}:{process_id}")
            replies = pipeline.execute()
        signs = _signs(replies[::2], replies[1::2], PRESENT_MS)
        return [
            _process(process_id, account, silent_s, alive=True, leads=process_id == leader)
            for process_id, (account, silent_s) in zip(ids, signs, strict=True)
            if silent_s is not None
        ]

    def stream(self, stream: str) -> StreamState:
        """The stream of the durable way in. An entry that was taken in is not in it any more."""
        key = f"{self._key_prefix}{stream}"
        length = int(self._client.xlen(key))
        try:
            groups = self._client.xinfo_groups(key)
            pending = sum(group["pending"] for group in groups if group["name"] == GROUP.encode())
        except redis.ResponseError:  # no stream yet
            pending = 0
        return StreamState(max(0, length - pending), pending)

    def memory(self) -> MemoryState:
        """That of Redis."""
        found: Any = self._client.info("memory")
        return MemoryState(found["used_memory"], found.get("maxmemory", 0))


def _signs(accounts: Sequence[Any], left_ms: Sequence[Any], ttl_ms: int) -> list[tuple[dict[str, Any], float | None]]:
    """What each process says of itself, and how many seconds ago it was shown; None when that is too long ago."""
    return [
        (json.loads(account or b"{}"), None if account is None else max(0.0, (ttl_ms - left) / 1000))
        for account, left in zip(accounts, left_ms, strict=True)
    ]


def _process(
    process_id: str, account: dict[str, Any], shown_s: float, alive: bool, *, role: str = "", leads: bool = False
) -> ProcessState:
    return ProcessState(
        id=process_id,
        role=account.get("role", role),
        host=account.get("host"),
        pid=account.get("pid"),
        since_ms=account.get("since_ms"),
        shown_s=round(shown_s, 3),
        alive=alive,
        leads=leads,
    )
