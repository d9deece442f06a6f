"""The Redis client of a process, and how a process waits for a Redis that does not answer."""

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TypeVar

import redis
import tenacity
from loguru import logger
from redis.backoff import NoBackoff
from redis.retry import Retry

from redis_place import CLUSTER_KEY_PREFIX, read_place
from transport.discovery import discovery
from transport.master import MASTER_CONNECTIONS, Master

T = TypeVar("T")

#: A pause between two attempts to reach Redis grows from the first to the second.
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 1.0

#: How long Redis has to accept a connection, and to go on with an answer that is awaited. After that it counts as lost:
#: whoever pulls a cable says nothing. What waits in Redis for longer looks first whether there is an answer.
TIMEOUT_S = 5.0

#: How often a pause looks whether it should end early.
_TICK_S = 0.05


def connect(url: str, key_prefix: str = CLUSTER_KEY_PREFIX) -> "redis.Redis":
    """A client whose commands are sent once, and whose connections are plain: RESP2, where every reply comes in turn.

    redis-py repeats a command whose answer did not come (10 times by default, since version 6). That is right for
    idempotent commands only, so here the caller decides: see `StopRequest.until_redis_answers`.

    Parameters:
        url: as in `redis_place`. Options of redis-py in it, such as socket_timeout, win over those here.
        key_prefix: what the keys begin with; needed for the slot of a cluster.
    """
    place = read_place(url)
    client = redis.Redis.from_url(
        place.server_url,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
    )
    pool = client.connection_pool
    # Set again, since an option of the URL would win.
    pool.connection_kwargs["protocol"] = 2
    if pool.connection_class in MASTER_CONNECTIONS:  # not in the case of a Unix socket, which leads to one server only
        pool.connection_class = MASTER_CONNECTIONS[pool.connection_class]
        if found_by := discovery(place, key_prefix, pool.connection_kwargs):
            pool.connection_kwargs["master"] = Master(found_by, pool)
    return client


class StopRequest:
    """Whether this process was asked to stop, by SIGTERM or SIGINT; what waits, waits no longer then."""

    def __init__(self) -> None:
        self.received = False

    def listen(self) -> None:
        """Takes the two signals over from Python's defaults. To be called in the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received = True

    def pause(self, seconds: float) -> None:
        """Sleeps, but not past a request to stop."""
        # In ticks: a threading.Event that a signal handler sets may deadlock with its own wait.
        deadline = time.monotonic() + seconds
        while not self.received and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, _TICK_S))

    def until_redis_answers(self, action: Callable[[], T]) -> T:
        """What `action` returns, once Redis lets it: repeated with growing pauses and one log line each.

        `action` may run more than once, so it must be one that can.

        Raises:
            redis.RedisError: the last one, when the process was asked to stop meanwhile.
        """
        # By itself, since tenacity alone takes longer than Redis does for most actions.
        with suppress(redis.RedisError):
            return action()
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(redis.RedisError),
            wait=tenacity.wait_exponential_jitter(FIRST_PAUSE_S, LONGEST_PAUSE_S, jitter=FIRST_PAUSE_S),
            stop=lambda state: self.received,  # noqa: ARG005
            sleep=self.pause,
            before_sleep=_tell,
            reraise=True,
        )
        return retrying(action)


def _tell(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    logger.warning("Redis does not answer: {}; trying again in {:.1f} s", error, state.upcoming_sleep)
