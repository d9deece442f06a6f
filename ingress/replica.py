"""One of any number of ingresses: each hears the channel, and the one that holds the lease takes in what it hears."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import redis
from loguru import logger
from redis.exceptions import LockError
from redis.lock import Lock

from ingress.backlog import Backlog
from ingress.crowd import BEHIND, BEHIND_BYTES, Crowd
from ingress.intake import PATIENCE_S, Intake
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

#: What a burst is handed to: `take_heard`, `sift` or `lay_aside` of `Intake`.
Take = Callable[[list[bytes], Origin], None]

#: What the health of an ingress calls its listening.
LISTENING = "channel"

#: The most requests, and about how many bytes of them, that are taken in at once: Redis does nothing else meanwhile.
BURST = 256
BURST_BYTES = 4 * 1024 * 1024

#: The most that are sifted at once: most of them are only laid aside, which is a tenth of the work of taking them in.
#: And the most when nearly all are likely to be laid aside: so many of those that were sifted last were a crowd's.
SIFTED = 1024
MOST = 4096
NEARLY_ALL = 0.9

#: How long a replica that hears nothing waits before it looks after its lease, and whether it should stop.
SILENCE_S = 0.3

#: A standby holds so many times what the leader does, which may be that much behind.
STANDBY_SHARE = 2

#: How often a replica at the end of its subscription looks whether the lease of another one has run out.
SETTLE_PAUSE_S = 0.1

#: How often a standby forgets what the leader has taken in.
TRIM_S = 0.5


class Replica:
    """Serves one channel until it is asked to stop, through every loss of the connection.

    Of all replicas one leads: it holds the lease, takes in what it hears, and keeps in Redis the position that it has
    come to. The others are standbys: they hear the same, hold it in their backlogs, and forget it once it is taken in.
    When the leader's lease runs out, a standby takes over, from the position on.

    A backlog lasts as long as the subscription that it was heard with. When that ends, the replica settles: whatever
    nobody else has heard it takes in, even while another one leads.
    """

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
        # Whether it is the leader: it holds the lease, and knows where the leader before has stopped.
        self._leads = False
        self._trim_due_s = 0.0
        # Published to learn that; None while nothing has to be learned.
        self._marker: str | None = None
        # These last as long as one subscription.
        self._backlog = self._new_backlog()
        self._position = Position(client, self._position_key, self._backlog)
        self._subscriber = Subscriber(client, channel, self._backlog)

    def run(self) -> None:
        """Returns once asked to stop. By then everything that was heard is on its queue, answered, laid aside, or held
        by another replica.

        Raises:
            redis.RedisError: when it is asked to stop and Redis does not answer.
        """
        while not self._stop.received and self._begins_to_listen():
            try:
                # Before it is judged who has listened for longer.
                self._subscriber.hear(0)
                self._listen()
            except redis.RedisError as error:
                self._watchdog.failed(LISTENING, error)
                logger.warning("Lost channel {!r}: {}. Requests are unheard until it is back", self._channel, error)
                if self._stop.received:
                    self._subscriber.hear_the_rest()
            self._subscriber.close()
        self._settle()
        self._presence.leave()

    def _begins_to_listen(self) -> bool:
        """False when it was asked to stop before. What the last subscription has left is settled after that, and no
        sooner: it may take seconds, when another replica has died, and what is published meanwhile is to be heard."""
        heard = self._new_backlog()
        subscriber = Subscriber(self._client, self._channel, heard)
        try:
            self._stop.until_redis_answers(lambda: self._subscribe(subscriber))
        except redis.RedisError:
            subscriber.close()
            return False
        logger.info("Ready: listening on channel {!r}", self._channel)
        self._settle()
        self._backlog, self._subscriber, self._marker = heard, subscriber, None
        self._position = Position(self._client, self._position_key, heard)
        return True

    def _new_backlog(self) -> Backlog:
        return Backlog(STANDBY_SHARE * self._limits.backlog_bytes)

    def _subscribe(self, subscriber: Subscriber) -> None:
        widen_output_buffer(self._client, self._limits.pubsub_buffer_bytes)
        subscriber.close()
        subscriber.subscribe(self._markers.start())

    def _listen(self) -> None:
        try:
            while not self._stop.received:
                self._work()
                self._presence.show_when_due()
                self._subscriber.hear(0 if self._leads and self._backlog else SILENCE_S)
                self._watchdog.turned(LISTENING)
        except redis.ResponseError:
            # Redis refuses something, so it is there, and what it has published is still to be heard.
            if not self._stop.received:
                raise
        for _ in self._subscriber.leave():
            self._work()

    def _work(self) -> None:
        """Takes in what was heard, as the leader; else forgets what was taken in, or takes over."""
        if self._leads:
            # Before the lease is renewed: requests need not wait for that, since take_in.lua checks it in its own step.
            self._take_in()
        if not self._stop.until_redis_answers(self._lease.seek):
            self._leads = False
            if len(self._backlog) > BEHIND:
                # It may have a machine in common with the leader, which then has the others' requests to bring on.
                self._intake.note_behind()
            self._trim_when_due()
        elif not self._leads:
            self._take_over()

    def _take_in(self) -> None:
        while self._leads and self._backlog.size_bytes > self._limits.backlog_bytes:
            self._hand_on_oldest(overflows=True)
        self._hand_on_oldest()

    def _hand_on_oldest(self, most: int = MOST, *, overflows: bool = False) -> None:
        """Has the oldest requests of the backlog taken in, or sifted, or laid aside, in one step."""
        take, count = self._way_in(overflows=overflows)
        if burst := self._backlog.first(min(count, most), BURST_BYTES):
            self._hand_on(take, burst)

    def _way_in(self, *, overflows: bool) -> tuple[Take, int]:
        """What is done with the oldest requests, and with how many at once."""
        if not overflows and len(self._backlog) <= BEHIND and self._backlog.size_bytes <= BEHIND_BYTES:
            return self._intake.take_heard, BURST
        if self._stop.received:
            # There may be no time to judge them all. Whoever leads next has time.
            return self._intake.lay_aside, MOST
        count = MOST if self._crowd.share > NEARLY_ALL else SIFTED
        return partial(self._intake.sift, crowd=self._crowd, overflows=overflows), count

    def _hand_on(self, take: Take, burst: list[bytes]) -> None:
        position = self._backlog.position_after(len(burst))
        if not self._leads:
            # Another replica may have begun at a marker just behind them, and that says nothing of these.
            position = {marker: count for marker, count in position.items() if count}
        lease = (self._lease.key, self._lease.token) if self._leads else ("", "")
        before = next(iter(position.values())) - len(burst)
        try:
            take(burst, Origin(*lease, self._position.key, position, before, POSITION_TTL_S))
        except DeposedError:
            self._lease.lose()
            self._leads = False
        else:
            self._backlog.drop(len(burst))

    def _take_over(self) -> None:
        """Leads from now on, if it is known where the leader before has stopped; else that is looked for again soon."""
        if not self._drop_known():
            # Either it stopped before this replica listened, and another one may have heard what was published since.
            if self._marker is None and self._is_junior():
                self._lease.leave_to_others()
            # Or the marker of its position is still to be heard: then it comes before one that is published now.
            if self._marker is None:
                self._marker = self._stop.until_redis_answers(self._markers.publish)
                return
            if self._marker not in self._backlog.markers:
                return
        self._marker = None
        self._leads = True
        # Keeps the position, even with nothing to take in: it says to a replica that settles that nobody is busy any
        # more with what came before.
        self._hand_on(self._intake.take_heard, [])
        self._position.was_in_step = True
        logger.info("Takes requests in from now on, {} were waiting for that", len(self._backlog))
        if self._backlog.dropped:
            logger.error("{} requests were heard and had to be dropped meanwhile", self._backlog.dropped)

    def _is_junior(self) -> bool:
        """Whether another replica may have listened for longer. After Redis was away all of them subscribe anew, one
        after the other, and what the first has heard until the second does nobody else has."""
        others = self._stop.until_redis_answers(self._markers.others)
        return others > len(self._subscriber.newcomers - {self._lease.token})

    def _trim_when_due(self) -> None:
        if time.monotonic() >= self._trim_due_s:
            self._drop_known()
            self._trim_due_s = time.monotonic() + TRIM_S

    def _drop_known(self) -> bool:
        """Forgets what was taken in; False when the backlog cannot tell what that is by now."""
        is_known = self._stop.until_redis_answers(self._position.drop_known, PATIENCE_S)
        if self._position.passed_over:
            # This replica was behind, or stood still, when it should have led, and whoever leads instead has begun to
            # listen later.
            self._take_leftovers(lambda: self._position.passed_over)
        return is_known

    def _settle(self) -> None:
        """At the end of a subscription: takes in what is left, unless another replica does, which has heard it too."""
        # The lease of a leader that has died holds for a while yet, and nobody else may be left to take over from it.
        deadline_s = time.monotonic() + LEASE_S + PATIENCE_S
        try:
            while self._backlog:
                leads = self._stop.until_redis_answers(self._lease.seek, PATIENCE_S)
                if leads and not self._leads:
                    self._drop_known()
                self._leads = leads
                if leads:
                    self._take_in()
                elif not self._drop_known() and self._position.was_in_step:
                    # When Redis dies, it may have delivered the last requests to this replica only. The leader has gone
                    # on to what came later.
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
        """Takes in the oldest requests, as many as `count` says each time: this replica alone has heard them, though
        another one leads."""
        lock = self._lease.for_leftovers()
        self._stop.until_redis_answers(lambda: _acquire(lock), PATIENCE_S)
        self._stop.until_redis_answers(self._position.drop_known, PATIENCE_S)
        if left := count():
            logger.info("Takes in {} requests that the ingress which leads has not heard", left)
        while left := count():
            self._hand_on_oldest(left)
            self._stop.until_redis_answers(self._position.drop_known, PATIENCE_S)
        with suppress(LockError, redis.RedisError):
            lock.release()


def _acquire(lock: Lock) -> None:
    # Where Redis refuses that, as it does when it is out of memory, it goes without.
    with suppress(redis.ResponseError):
        lock.acquire()
