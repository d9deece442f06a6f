"""One of any number of ingresses: hears what all of them hear, and takes it in while it holds the lease."""

import time

import redis
from loguru import logger

from ingress.backlog import Backlog
from ingress.intake import PATIENCE_S, Intake, Received
from ingress.lease import Lease
from ingress.subscriber import BURST, BURST_BYTES, Subscriber
from transport.arrivals import DeposedError, Origin
from transport.connection import StopRequest
from transport.presence import Presence

#: How long an ingress that hears nothing waits before it looks after its lease, and whether it should stop.
SILENCE_S = 0.3

#: The most that a standby holds until the one with the lease has taken it in.
BACKLOG_BYTES = 128 * 1024 * 1024

#: How often a standby forgets what was taken in.
TRIM_S = 0.5

#: How long the position is kept: for an ingress that starts a while after the last one has died, with a marker of its
#: own, it says nothing any more.
POSITION_TTL_S = 24 * 3600


class Replica:
    """Serves one channel until it is asked to stop, through every loss of the connection."""

    def __init__(
        self,
        client: "redis.Redis",
        channel: str,
        intake: Intake,
        stop: StopRequest,
        *,
        key_prefix: str,
        output_buffer_bytes: int,
    ) -> None:
        self._client = client
        self._channel = channel
        self._intake = intake
        self._stop = stop
        self._output_buffer_bytes = output_buffer_bytes
        self._lease = Lease(client, f"{key_prefix}callboard:lease:{channel}")
        self._presence = Presence(client, key_prefix, "ingress", self._lease.token)
        self._position_key = f"{key_prefix}callboard:position:{channel}"
        self._leads = False
        self._trim_due_s = 0.0
        self._marker: str | None = None

    def run(self) -> None:
        """Returns once asked to stop, with everything that was heard on the queue, answered, or another replica's.

        Raises:
            redis.RedisError: when it is asked to stop and Redis does not answer.
        """
        while not self._stop.received:
            self._backlog = Backlog(BACKLOG_BYTES)
            self._marker = None
            self._subscriber = Subscriber(self._client, self._channel, self._backlog, self._output_buffer_bytes)
            try:
                self._stop.until_redis_answers(self._subscribe)
                logger.info("Ready: listening on channel {!r}", self._channel)
                self._serve()
            except (redis.ConnectionError, redis.TimeoutError) as error:
                logger.warning("Lost channel {!r}: {}. Requests are unheard until it is back", self._channel, error)
                if self._stop.received:
                    self._subscriber.hear_the_rest()
            self._subscriber.close()
            self._settle()
        self._presence.leave()

    def _subscribe(self) -> None:
        self._subscriber.close()
        self._subscriber.subscribe()

    def _serve(self) -> None:
        while not self._stop.received:
            self._work()
            self._presence.show_when_due()
            self._subscriber.hear(SILENCE_S)
        self._subscriber.leave()

    def _work(self) -> None:
        """Takes in what was heard, if that is this replica's to do, and forgets what another one has taken in."""
        if not self._stop.until_redis_answers(self._lease.seek):
            self._leads = False
            self._trim_when_due()
        elif self._leads or self._take_over():
            self._take_in()

    def _take_in(self) -> None:
        while burst := self._backlog.first(BURST, BURST_BYTES):
            position = self._backlog.position_after(len(burst))
            origin = Origin(self._lease.key, self._lease.token, self._position_key, position, POSITION_TTL_S)
            try:
                self._intake.take([Received(data) for data in burst], origin)
            except DeposedError:
                self._lease.lose()
                self._leads = False
                return
            self._backlog.drop(len(burst))

    def _take_over(self) -> bool:
        """Whether it is known now where the one before has stopped."""
        if not self._drop_known():
            # It stopped before this replica listened. Another one may have heard what was published in between.
            if self._marker is None and self._subscriber.others_hear():
                self._lease.leave_to_others()
            # Or the marker of its position is still to be heard: then it is before one that is published now.
            if self._marker is None:
                self._marker = self._subscriber.mark()
                return False
            if not self._backlog.knows(self._marker):
                return False
        self._marker = None
        self._leads = True
        logger.info("Takes requests in from now on, {} were waiting for that", len(self._backlog))
        if self._backlog.dropped:
            logger.error("{} requests were heard and had to be dropped meanwhile", self._backlog.dropped)
        return True

    def _trim_when_due(self) -> None:
        if time.monotonic() >= self._trim_due_s:
            self._drop_known()
            self._trim_due_s = time.monotonic() + TRIM_S

    def _drop_known(self) -> bool:
        """Forgets what was taken in by the last one to do so; False when the backlog cannot tell what that is."""
        value = self._stop.until_redis_answers(lambda: self._client.get(self._position_key))
        if not isinstance(value, bytes):
            return True
        position = value.decode()
        if known := self._backlog.knows(position):
            self._backlog.drop_until(position)
        return known

    def _settle(self) -> None:
        """At the end of a subscription: takes in what is left, unless another replica does, which has heard it too."""
        try:
            while self._backlog and self._stop.until_redis_answers(self._lease.seek, PATIENCE_S):
                if not self._leads:
                    self._drop_known()
                    self._leads = True
                self._take_in()
        except redis.RedisError:
            count = len(self._backlog)
            logger.error("Asked to stop without Redis: {} requests are lost that no other ingress has heard", count)
            raise
        self._lease.release()
        self._leads = False
