"""The sections of the configuration: their keys, what each accepts, and how they depend on one another."""

import multiprocessing
import re
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from redis_place import CLUSTER_KEY_PREFIX, read_place
from setting_types import (
    Addresses,
    BackoffMs,
    ByteCount,
    ChannelName,
    Count,
    CrashCount,
    Crontab,
    Folder,
    HostName,
    IntervalS,
    JobName,
    JobUserId,
    KeyPrefix,
    MasterName,
    MessageCount,
    MisfireGraceS,
    OptionalPort,
    PoolSize,
    Port,
    RedisUrl,
    ShutdownMs,
    StalledAfterS,
    TimeToLiveS,
    TimeZone,
    WebToken,
)


class Section(BaseModel):
    """A section of the file that is Callboard's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Channels(Section):
    """The Redis channels that requests come in on and outcomes go out on, the stream for requests that must not be
    lost while nobody listens, and the channels that tell of running tasks and cancel them."""

    tasks_queue: ChannelName = "tasks"
    tasks_stream: ChannelName = "tasks:stream"
    results_queue: ChannelName = "results"
    events: ChannelName = "events"
    control: ChannelName = "control"

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.tasks_queue == self.results_queue:
            raise PydanticCustomError(
                "same_channel",
                "tasks_queue and results_queue should be two different channels: an outcome is not a request",
            )
        if len({self.tasks_queue, self.results_queue, self.events, self.control}) < 4:
            raise PydanticCustomError(
                "same_channel",
                "events and control should each have a channel of their own, not that of the other, nor that of "
                "tasks_queue or results_queue",
            )
        return self


class Sentinel(Section):
    """A Redis whose master is found through Sentinels; `master` is what they call it."""

    master: MasterName
    addresses: Addresses


class Cluster(Section):
    """A Redis Cluster, by the addresses of some of its nodes."""

    addresses: Addresses


class RedisSettings(Section):
    """Where Redis is, and what Callboard keeps there."""

    host: HostName = "localhost"
    port: Port = 6379
    url: RedisUrl | None = None
    sentinel: Sentinel | None = None
    cluster: Cluster | None = None
    key_prefix: KeyPrefix = ""
    channels: Channels = Channels()
    outcome_ttl_s: TimeToLiveS = 3600
    request_id_ttl_s: TimeToLiveS = 24 * 3600

    @model_validator(mode="before")
    @classmethod
    def _hash_tag_in_a_cluster(cls, values: Any) -> Any:
        if isinstance(values, dict) and (values.get("cluster") or "+cluster://" in str(values.get("url"))):
            return {"key_prefix": CLUSTER_KEY_PREFIX} | values
        return values

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        places = {"url": self.url, "sentinel": self.sentinel, "cluster": self.cluster}
        if len(given := [name for name, place in places.items() if place is not None]) > 1:
            raise PydanticCustomError(
                "places", "redis should have only one of url, sentinel and cluster, and has {given}", {"given": given}
            )
        if read_place(self.connection_url).nodes and not re.match(r"[^{]*\{[^}]+\}", self.key_prefix):
            raise PydanticCustomError(
                "hash_tag",
                "redis.key_prefix should hold a hash tag such as {tag} in a cluster, where all keys have to be "
                "in one slot, and is {prefix}",
                {"tag": repr(CLUSTER_KEY_PREFIX), "prefix": repr(self.key_prefix)},
            )
        return self

    @property
    def connection_url(self) -> str:
        """What is connected to, as in `redis_place`; may hold a password, so for a log line there is `location`."""
        if self.url is not None:
            return self.url.get_secret_value()
        if self.sentinel is not None:
            return f"redis+sentinel://{','.join(self.sentinel.addresses)}/{self.sentinel.master}"
        if self.cluster is not None:
            return f"redis+cluster://{','.join(self.cluster.addresses)}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"redis://{host}:{self.port}/0"

    @property
    def secrets(self) -> frozenset[str]:
        """The passwords in it, which no log line may show."""
        return read_place(self.connection_url).secrets

    @property
    def location(self) -> str:
        """The same without user, password and options, for log lines and messages."""
        return read_place(self.connection_url).location


class TaskOptions(Section):
    """How often and how long a task is tried, and whether a `Shutdown` exception tells it that its worker stops."""

    max_attempts: Count = 4
    min_backoff_ms: BackoffMs = 1_000
    max_backoff_ms: BackoffMs = 60_000
    time_limit_ms: Count = 60_000
    notify_shutdown: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_backoff_ms > self.max_backoff_ms:
            raise PydanticCustomError(
                "backoff_order",
                "min_backoff_ms is {min_backoff_ms} and should be at most max_backoff_ms, which is {max_backoff_ms}",
                {"min_backoff_ms": self.min_backoff_ms, "max_backoff_ms": self.max_backoff_ms},
            )
        return self


class WorkerSettings(TaskOptions):
    """The worker processes of `python -m worker`, how long any worker may take to stop, and what applies to a task
    whose own `@task` says nothing else."""

    processes: PoolSize = Field(default_factory=multiprocessing.cpu_count)
    threads: PoolSize = 8
    #: Empty for all that a task is in.
    queues: tuple[str, ...] = ()
    shutdown_timeout_ms: ShutdownMs = 25_000
    max_crashes: CrashCount = 3


class Limits(Section):
    """What is accepted from outside."""

    request_bytes: Count = 1024 * 1024
    outcome_bytes: Count = 16 * 1024 * 1024
    queue_length: Count = 1_000_000
    fair_backlog: MessageCount = 64
    reply_to: tuple[ChannelName, ...] = ("results:*",)
    pubsub_buffer_bytes: ByteCount = 256 * 1024 * 1024
    backlog_bytes: Count = 64 * 1024 * 1024


class Monitoring(Section):
    """How those who run it can ask a process: on a port with health and metrics, each role's or none; and on a socket
    in `runtime_folder`, by default one of this user's in the machine's folder for temporary files."""

    host: HostName = "127.0.0.1"
    ingress_port: OptionalPort = 0
    worker_port: OptionalPort = 0
    scheduler_port: OptionalPort = 0
    stalled_after_s: StalledAfterS = 15
    runtime_folder: Folder | None = None


class WebSettings(Section):
    """Of the page of `callboard web`: the token that it asks for, where none is to be made at each start."""

    token: WebToken | None = None


class ScheduledJob(Section):
    """A request that the scheduler sends by itself: by `cron` (five fields, in `timezone`) or every `interval_s`.

    One that was missed, while no scheduler ran or Redis was away, is made up for when it is not older than
    `misfire_grace_s`; with `coalesce` only the last of several.
    """

    name: JobName
    cron: Crontab | None = None
    interval_s: IntervalS | None = None
    timezone: TimeZone = "UTC"
    misfire_grace_s: MisfireGraceS = 60
    coalesce: bool = True
    task_type: str
    parameters: dict[str, Any] = {}
    user_id: JobUserId

    @model_validator(mode="after")
    def _one_rhythm(self) -> Self:
        if (self.cron is None) == (self.interval_s is None):
            raise PydanticCustomError("rhythm", "a job should have either cron or interval_s")
        return self
