"""Which Callboard a client talks to, and on which channel it hears its outcomes."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any
from uuid import uuid4

from pydantic import SecretStr, ValidationError
from redis import RedisError

from client.errors import NobodyListensError, RedisAwayError
from client.request import Key
from contract import ControlMessage, request_key
from errors import SettingsError
from settings import Limits, RedisSettings


class Place:
    """A Callboard as its clients know it.

    Attributes:
        outcomes: the channel that outcomes are heard on.
        reply_to: the same, when requests have to name it: it is not the one that all outcomes go to.
    """

    def __init__(self, redis: str | RedisSettings, listen_on: str | None) -> None:
        self.redis = _settings_of(redis) if isinstance(redis, str) else redis
        self.outcomes = listen_on or own_channel(Limits().reply_to, self.redis.channels.results_queue)
        self.reply_to = None if self.outcomes == self.redis.channels.results_queue else self.outcomes

    @property
    def stream(self) -> str:
        """The key of the stream that durable requests are added to."""
        return self.redis.key_prefix + self.redis.channels.tasks_stream

    def kept_at(self, key: Key) -> str:
        """The Redis key that the outcome of a request is kept at."""
        return self.redis.key_prefix + request_key(*key)

    def away(self, error: RedisError) -> RedisAwayError:
        """The error of a client whose Redis has answered like this, or not at all. A Redis that does not know AUTH
        quotes it."""
        text = str(error) or type(error).__name__
        reason = "it refused the password" if any(secret in text for secret in self.redis.secrets) else text
        return RedisAwayError(f"Redis at {self.redis.location}: {reason}")


def own_channel(patterns: Sequence[str], results: str) -> str:
    """A channel of one client's own, of which `limits.reply_to` allows; where it allows none, that of all results."""
    name = uuid4().hex
    for pattern in patterns:
        channel = pattern.replace("*", name)
        if fnmatchcase(channel, pattern):
            return channel
    return results


def cancellation(key: Key) -> bytes:
    """The control message that cancels a request."""
    user_id, request_id = key
    message = ControlMessage(action="cancel", user_id=user_id, request_id=request_id)
    return message.model_dump_json(exclude_none=True).encode()


def is_cluster(hello: list[Any]) -> bool:
    """Whether it is a node of a cluster that has answered HELLO like this."""
    return dict(zip(hello[::2], hello[1::2], strict=True)).get(b"mode") == b"cluster"


def nobody_listens(channel: str, who: str) -> NobodyListensError:
    """The error for a channel on which nobody is."""
    return NobodyListensError(f"nobody listens on channel {channel!r}: {who}, or it uses another Redis")


def _settings_of(url: str) -> RedisSettings:
    try:
        return RedisSettings(url=SecretStr(url))
    except ValidationError as error:
        # Without what it was: it may hold a password.
        raise SettingsError(f"the URL of Redis: {error.errors(include_input=False)[0]['msg']}") from None
