"""The Redis client of a process, and how a process waits for a Redis that does not answer."""

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TypeVar

import redis
import tenacity
from loguru import logger
from redis.backoff import NoBackoff
from redis.retry import Retry

from redis_place import CLUSTER_KEY_PREFIX, read_place
from transport.discovery import discovery
from transport.forks import let_children_end
from transport.master import MASTER_CONNECTIONS, Master
from transport.reply_parser import ReplyParser
from transport.watchdog import Watchdog

T = TypeVar("T")

#: A pause between two attempts to reach Redis grows from the first to the second.
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 1.0

#: How long Redis has to accept a connection, and to go on with an answer. After that the connection counts as lost: a
#: cable that is pulled says nothing. A command that waits in Redis for longer is only read once there is an answer.
TIMEOUT_S = 5.0

#: How many connections a client may have: no limit. From version 8 on redis-py's is 100, and the next thread gets an
#: error that looks like a Redis that is away. How many a program needs is its own affair: one for each of its threads.
MOST_CONNECTIONS = 2**31


def connect(url: str, key_prefix: str = CLUSTER_KEY_PREFIX) -> "redis.Redis":
    """A client whose commands are sent once, over RESP2, where every reply comes in turn.

    redis-py repeats a command whose answer did not come (10 times by default, since version 8). That is right for
    idempotent commands only, so here the caller decides: see `StopRequest.until_redis_answers`.

    Parameters:
        url: as in `redis_place`, and as `RedisSettings` accepts it. Options of redis-py in it, such as socket_timeout,
            win over those here.
        key_prefix: what the keys begin with; needed for the slot of a cluster.
    """
    place = read_place(url)
    client = redis.Redis.from_url(
        place.server_url,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        parser_class=ReplyParser,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        max_connections=MOST_CONNECTIONS,
    )
    pool = client.connection_pool
    if pool.connection_class in MASTER_CONNECTIONS:  # not in the case of a Unix socket, which leads to one server only
        pool.connection_class = MASTER_CONNECTIONS[pool.connection_class]
        if found_by := discovery(place, key_prefix, pool.connection_kwargs):
            pool.connection_kwargs["master"] = Master(found_by, pool)
    return client


class StopRequest:
    """Whether this process was asked to stop, by SIGTERM or SIGINT. Threads that wait with its methods wait no longer
    then.

    Parameters:
        watchdog: learns why something waits for Redis.
    """

    def __init__(self, watchdog: Watchdog | None = None) -> None:
        self._watchdog = watchdog or Watchdog()
        self._received_s: float | None = None
        # A threading.Event that a signal handler sets may deadlock with its own wait; SimpleQueue is made for this.
        self._requests: SimpleQueue[None] = SimpleQueue()

    @property
    def received(self) -> bool:
        """Whether the process was asked to stop."""
        return self._received_s is not None

    def listen(self) -> None:
        """Handles the two signals from now on. To be called in the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._receive)
        let_children_end()

    def request(self) -> None:
        """Asks this process to stop, as the signals do."""
        self._received_s = self._received_s or time.monotonic()
        self._requests.put(None)

    def pause(self, seconds: float | None = None) -> None:
        """Sleeps, but not past a request to stop; without a time, until there is one."""
        with suppress(Empty):
            self._requests.get(timeout=seconds)
            # Left there for other threads that wait, and for later calls.
            self._requests.put(None)

    def until_redis_answers(self, action: Callable[[], T], patience_s: float = 0.0) -> T:
        """What `action` returns, once Redis answers it: it is repeated at once, and then with growing pauses, each with
        a line in the log.

        `action` must be one that may run more than once. After a request to stop no attempt begins later than
        `patience_s`: the longer that is, the less likely something is lost by giving up.

        Raises:
            redis.RedisError: the last one, when the process was asked to stop meanwhile.
        """
        # First without tenacity, which by itself takes longer than Redis does for most actions.
        try:
            return action()
        except redis.RedisError:
            if self._is_over(patience_s):
                raise
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(redis.RedisError),
            wait=tenacity.wait_exponential(FIRST_PAUSE_S, LONGEST_PAUSE_S) + tenacity.wait_random(0, FIRST_PAUSE_S),
            stop=lambda state: self._is_over(patience_s - state.upcoming_sleep),
            sleep=lambda pause_s: time.sleep(pause_s) if self.received else self.pause(pause_s),
            before_sleep=self._tell,
            reraise=True,
        )
        return retrying(action)

    def wait_for_redis(self, client: "redis.Redis") -> bool:
        """Returns True once Redis answers; False when the process was asked to stop before that."""
        try:
            self.until_redis_answers(client.ping)
        except redis.RedisError as error:
            logger.warning("Stopped without Redis: {}", error)
            return False
        return True

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.request()

    def _is_over(self, patience_s: float) -> bool:
        return self._received_s is not None and time.monotonic() > self._received_s + patience_s

    def _tell(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        what = "refuses it" if isinstance(error, redis.ResponseError) else "does not answer"
        if isinstance(error, redis.AuthenticationError):
            what = "does not let this process in, look at user and password in REDIS_URL"
        logger.warning("Redis {}: {}; trying again in {:.1f} s", what, error, state.upcoming_sleep)
        if error is not None:
            self._watchdog.refused(error)
