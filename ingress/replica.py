"""One of any number of ingresses: hears what all of them hear, and takes it in while it holds the lease."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import repeat

import redis
from loguru import logger
from redis.exceptions import LockError
from redis.lock import Lock

from ingress.backlog import Backlog
from ingress.crowd import BEHIND, BEHIND_BYTES, Crowd
from ingress.intake import PATIENCE_S, Intake, Received
from ingress.lease import LEASE_S, Lease
from ingress.markers import Markers
from ingress.output_buffer import widen_output_buffer
from ingress.position import POSITION_TTL_S, Position
from ingress.subscriber import Subscriber
from setting_sections import Limits
from transport.arrivals import DeposedError, Origin
from transport.connection import StopRequest
from transport.presence import Presence
from transport.watchdog import Watchdog

#: What a burst is handed to: `Intake.take`, or its `sift`.
Take = Callable[[list[Received], Origin], None]

#: What the health of an ingress calls its listening.
LISTENING = "channel"

#: The most requests, and about how many bytes of them, that are taken in at once: Redis does nothing else meanwhile.
BURST = 256
BURST_BYTES = 4 * 1024 * 1024

#: The same when they are sifted: most are only laid aside then, which takes a tenth of that time. And where nearly
#: all of those before were a crowd's.
SIFTED = 1024
SIFTED_OF_CROWD = 4096
NEARLY_ALL = 0.9

#: How long an ingress that hears nothing waits before it looks after its lease, and whether it should stop.
SILENCE_S = 0.3

#: A standby holds so many times what the one with the lease does, which may be that much behind.
STANDBY_SHARE = 2

#: How often one that stops looks whether the lease of another one has run out.
SETTLE_PAUSE_S = 0.1

#: How often a standby forgets what was taken in.
TRIM_S = 0.5


class Replica:
    """Serves one channel until it is asked to stop, through every loss of the connection."""

    def __init__(
        self,
        client: "redis.Redis",
        channel: str,
        lease: Lease,
        intake: Intake,
        stop: StopRequest,
        limits: Limits,
        *,
        watchdog: Watchdog,
        key_prefix: str,
    ) -> None:
        self._client = client
        self._channel = channel
        self._intake = intake
        self._stop = stop
        self._limits = limits
        self._markers = Markers(client, channel, lease.token)
        self._watchdog = watchdog
        self._lease = lease
        self._presence = Presence(client, key_prefix, "ingress", self._lease.token)
        self._position_key = f"{key_prefix}callboard:position:{channel}:markers"
        self._crowd = Crowd()
        self._leads = False
        self._trim_due_s = 0.0
        self._marker: str | None = None

    def run(self) -> None:
        """Returns once asked to stop, with everything that was heard on the queue, answered, or another replica's.

        Raises:
            redis.RedisError: when it is asked to stop and Redis does not answer.
        """
        while not self._stop.received:
            self._backlog = Backlog(STANDBY_SHARE * self._limits.backlog_bytes)
            self._position = Position(self._client, self._position_key, self._backlog)
            self._marker = None
            self._subscriber = Subscriber(self._client, self._channel, self._backlog)
            try:
                self._stop.until_redis_answers(self._begin_to_listen)
                logger.info("Ready: listening on channel {!r}", self._channel)
                self._serve()
            except (redis.ConnectionError, redis.TimeoutError) as error:
                self._watchdog.failed(LISTENING, error)
                logger.warning("Lost channel {!r}: {}. Requests are unheard until it is back", self._channel, error)
                if self._stop.received:
                    self._subscriber.hear_the_rest()
            self._subscriber.close()
            self._settle()
        self._presence.leave()

    def _begin_to_listen(self) -> None:
        widen_output_buffer(self._client, self._limits.pubsub_buffer_bytes)
        self._subscriber.close()
        self._subscriber.subscribe(self._markers.start())

    def _serve(self) -> None:
        while not self._stop.received:
            self._work()
            self._presence.show_when_due()
            self._subscriber.hear(0 if self._leads and self._backlog else SILENCE_S)
            self._watchdog.turned(LISTENING)
        for _ in self._subscriber.leave():
            self._work()

    def _work(self) -> None:
        """Takes in what was heard, if that is this replica's to do, and forgets what another one has taken in."""
        if self._leads:
            # Before the lease is renewed: nobody need wait for that, since take_in.lua looks at it in its own step.
            self._take_in()
        if not self._stop.until_redis_answers(self._lease.seek):
            self._leads = False
            self._trim_when_due()
        elif not self._leads:
            self._take_over()

    def _take_in(self) -> None:
        while self._leads and self._backlog.size_bytes > self._limits.backlog_bytes:
            self._sift(overflows=True)
        if len(self._backlog) > BEHIND or self._backlog.size_bytes > BEHIND_BYTES:
            self._sift()
        else:
            self._hand_on(self._intake.take)

    def _sift(self, *, overflows: bool = False) -> None:
        count = SIFTED_OF_CROWD if self._crowd.share > NEARLY_ALL else SIFTED
        self._hand_on(partial(self._intake.sift, crowd=self._crowd, overflows=overflows), count)

    def _hand_on(self, take: Take, count: int = BURST) -> None:
        """Has the oldest requests of the backlog taken in or sifted, in one step."""
        if burst := self._backlog.first(count, BURST_BYTES):
            self._bring(take, burst)

    def _bring(self, take: Take, burst: list[bytes]) -> None:
        position = self._backlog.position_after(len(burst))
        if not self._leads:
            # From a marker just behind them another one may have begun, which says nothing of these.
            position = {marker: count for marker, count in position.items() if count}
        lease = (self._lease.key, self._lease.token) if self._leads else ("", "")
        try:
            take(list(zip(burst, repeat(""))), Origin(*lease, self._position.key, position, POSITION_TTL_S))
        except DeposedError:
            self._lease.lose()
            self._leads = False
        else:
            self._backlog.drop(len(burst))

    def _take_over(self) -> None:
        """Leads from now on, if it is known where the one before has stopped; else that is looked for again soon."""
        if not self._drop_known():
            # It stopped before this replica listened. Another one may have heard what was published in between.
            if self._marker is None and self._is_junior():
                self._lease.leave_to_others()
            # Or the marker of its position is still to be heard: then it is before one that is published now.
            if self._marker is None:
                self._marker = self._stop.until_redis_answers(self._markers.publish)
                return
            if self._marker not in self._backlog.markers:
                return
        self._marker = None
        self._leads = True
        # Also where nothing comes for a while: others may have to know that nobody is busy with what was before.
        self._bring(self._intake.take, [])
        self._position.was_in_step = True
        logger.info("Takes requests in from now on, {} were waiting for that", len(self._backlog))
        if self._backlog.dropped:
            logger.error("{} requests were heard and had to be dropped meanwhile", self._backlog.dropped)

    def _is_junior(self) -> bool:
        """Whether there is another replica that may have listened for longer. After Redis was away all of them begin
        anew, one after the other, and what the first one has heard by then is nobody else's."""
        others = self._stop.until_redis_answers(self._markers.others)
        return others > len(self._subscriber.newcomers - {self._lease.token})

    def _trim_when_due(self) -> None:
        if time.monotonic() >= self._trim_due_s:
            self._drop_known()
            self._trim_due_s = time.monotonic() + TRIM_S

    def _drop_known(self) -> bool:
        """Forgets what was taken in; False when the backlog cannot tell what that is by now."""
        is_known = self._stop.until_redis_answers(self._position.drop_known)
        if self._position.passed_over:
            # This replica was behind, or stood still, when it should have led, and whoever leads instead has begun to
            # listen later.
            self._take_leftovers(lambda: self._position.passed_over)
        return is_known

    def _settle(self) -> None:
        """At the end of a subscription: takes in what is left, unless another replica does, which has heard it too."""
        # The lease of one that has died holds for a while yet, and nobody else may be left to take over from it.
        deadline_s = time.monotonic() + LEASE_S + PATIENCE_S
        try:
            while self._backlog:
                if self._stop.until_redis_answers(self._lease.seek, PATIENCE_S):
                    if not self._leads:
                        self._drop_known()
                        self._leads = True
                    self._hand_on(self._intake.take)
                    continue
                self._leads = False
                if not self._drop_known() and self._position.was_in_step:
                    # When Redis dies, it may have delivered the last requests to this replica only. The one that leads
                    # has gone on to what came later.
                    self._take_leftovers(lambda: len(self._backlog))
                elif time.monotonic() > deadline_s:
                    break
                else:
                    time.sleep(SETTLE_PAUSE_S)
        except redis.RedisError:
            count = len(self._backlog)
            logger.error("Asked to stop without Redis: {} requests are lost that no other ingress has heard", count)
            raise
        self._lease.release()
        self._leads = False

    def _take_leftovers(self, count: Callable[[], int]) -> None:
        """Takes in so many of the oldest requests, which this replica alone has heard, though another one leads."""
        lock = self._lease.for_leftovers()
        self._stop.until_redis_answers(lambda: _acquire(lock), PATIENCE_S)
        self._stop.until_redis_answers(self._position.drop_known)
        if left := count():
            logger.info("Takes in {} requests that the ingress which leads has not heard", left)
        while left := count():
            self._hand_on(self._intake.take, min(left, BURST))
            self._stop.until_redis_answers(self._position.drop_known)
        with suppress(LockError, redis.RedisError):
            lock.release()


def _acquire(lock: Lock) -> None:
    # Where Redis refuses that, as it does when it is out of memory, it goes without.
    with suppress(redis.ResponseError):
        lock.acquire()
