"""An outcome made ready for Redis: where it is published, and under which keys it is kept for a while."""

from typing import NamedTuple, Self

from contract import Sender, TaskOutcome, claim_key, outcome_key, request_key
from setting_sections import RedisSettings

Words = tuple[str | bytes | int, ...]


class Answer(NamedTuple):
    """An outcome as Redis gets it."""

    payload: bytes
    channels: tuple[str, ...]
    #: The keys that it is kept at, each for so many seconds.
    keys: tuple[tuple[str, int], ...]
    #: What the request has claimed by its `request_id`; "" when it had none.
    claim: str = ""

    def words(self) -> Words:
        """What the Lua scripts read of it."""
        keys = [word for key in self.keys for word in key]
        return (self.payload, self.claim, len(self.keys), len(self.channels), *keys, *self.channels)


class Claim(NamedTuple):
    """What the first request with a `request_id` claims: every later one with the same id is a repeat."""

    key: str
    ttl_s: int
    #: Where the outcome is kept that a repeat gets.
    outcome_key: str
    #: Where a repeat is answered: nowhere, or on the results channel and on the one it names.
    channels: tuple[str, ...]


class Answers:
    """Addresses outcomes: to the results channel, to the channel that the request named, to the keys they are kept
    at."""

    def __init__(
        self, results_channel: str, *, outcome_ttl_s: int, request_id_ttl_s: int, key_prefix: str = ""
    ) -> None:
        self._results_channel = results_channel
        self._outcome_ttl_s = outcome_ttl_s
        self._request_id_ttl_s = request_id_ttl_s
        self._key_prefix = key_prefix

    @classmethod
    def of(cls, redis: RedisSettings) -> Self:
        """Those of one Callboard."""
        return cls(
            redis.channels.results_queue,
            outcome_ttl_s=redis.outcome_ttl_s,
            request_id_ttl_s=redis.request_id_ttl_s,
            key_prefix=redis.key_prefix,
        )

    def answer(self, outcome: TaskOutcome, reply_to: str | None) -> Answer:
        """`outcome`, addressed. By `request_id` it is kept for as long as a repeat of the request may come. A refusal,
        which does not stand in the way of a corrected request with the same id, is kept only as long as any outcome."""
        channels = self._channels(reply_to)
        refused = outcome.task_id == "error"
        keys = [] if refused else [(self.kept_at(outcome.task_id), self._outcome_ttl_s)]
        if outcome.user_id is None or outcome.request_id is None:
            return Answer(outcome.to_wire(), channels, tuple(keys))
        ttl_s = self._outcome_ttl_s if refused else self._request_id_ttl_s
        keys.append((self._key_prefix + request_key(outcome.user_id, outcome.request_id), ttl_s))
        claim = self._key_prefix + claim_key(outcome.user_id, outcome.request_id)
        return Answer(outcome.to_wire(), channels, tuple(keys), claim)

    def claim(self, user_id: str | int, request_id: str, reply_to: str | None, delay_ms: int | None) -> Claim:
        """The claim of an admitted request. It outlives the delay of a delayed one."""
        return Claim(
            self._key_prefix + claim_key(user_id, request_id),
            self._request_id_ttl_s + (delay_ms or 0) // 1000,
            self._key_prefix + request_key(user_id, request_id),
            self._channels(reply_to),
        )

    def claim_of(self, sender: Sender) -> Claim | None:
        """What the request with this sender has claimed, if it had a `request_id`; repeats are answered nowhere."""
        if sender.user_id is None or sender.request_id is None:
            return None
        return self.claim(sender.user_id, sender.request_id, None, None)._replace(channels=())

    def kept_at(self, task_id: str) -> str:
        """Where the outcome of a task is kept."""
        return self._key_prefix + outcome_key(task_id)

    def _channels(self, reply_to: str | None) -> tuple[str, ...]:
        if reply_to in (None, self._results_channel):
            return (self._results_channel,)
        return (self._results_channel, reply_to)
