"""An outcome made ready for Redis: where it is published and under which keys it is kept for a while."""

from typing import NamedTuple

import redis

from contract import TaskOutcome, outcome_key, request_key


class Answer(NamedTuple):
    """An outcome as Redis gets it."""

    payload: bytes
    channels: tuple[str, ...]
    keys: tuple[str, ...]
    ttl_s: int

    def send(self, pipeline: "redis.client.Pipeline") -> None:
        """Adds the commands that keep and publish the outcome of a request that no message stands for."""
        for key in self.keys:
            pipeline.set(key, self.payload, ex=self.ttl_s)
        for channel in self.channels:
            pipeline.publish(channel, self.payload)


class Answers:
    """Addresses outcomes: to the results channel, the channel that the request named, to the keys they are kept at."""

    def __init__(self, results_channel: str, outcome_ttl_s: int, key_prefix: str = "") -> None:
        self._results_channel = results_channel
        self._outcome_ttl_s = outcome_ttl_s
        self._key_prefix = key_prefix

    def answer(self, outcome: TaskOutcome, reply_to: str | None) -> Answer:
        """`outcome`, addressed. A refused request has no task, so its outcome is kept by `request_id` or not at all."""
        channels = (
            (self._results_channel,) if reply_to in (None, self._results_channel) else (self._results_channel, reply_to)
        )
        keys = []
        if outcome.task_id != "error":
            keys.append(self._key_prefix + outcome_key(outcome.task_id))
        if outcome.user_id is not None and outcome.request_id is not None:
            keys.append(self._key_prefix + request_key(outcome.user_id, outcome.request_id))
        return Answer(outcome.to_wire(), channels, tuple(keys), self._outcome_ttl_s)
