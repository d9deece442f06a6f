"""Which Callboard a client talks to, and on which channel it hears its outcomes."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any, Unpack
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from pydantic import ValidationError
from redis import RedisError

from client.errors import ClientClosedError, MisplacedError, NobodyListensError, OptionError, RedisAwayError, TaskError
from client.request import Key, RequestName
from contract import ControlMessage, ErrorCode, RefusedRequestError, Sender, request_key
from errors import SettingsError
from setting_sections import Limits, RedisSettings

CLOSED = "the client was closed"


class Place:
    """A Callboard as its clients know it.

    Attributes:
        outcomes: the channel that outcomes are heard on.
        reply_to: the same, when requests have to name it: it is not the one that all outcomes go to.
    """

    def __init__(self, redis: str | RedisSettings, listen_on: str | None) -> None:
        self.redis = redis if isinstance(redis, RedisSettings) else _settings_of(redis)
        self.outcomes = listen_on or own_channel(self.redis, Limits())
        self.reply_to = None if self.outcomes == self.redis.channels.results_queue else self.outcomes

    @property
    def stream(self) -> str:
        """The key of the stream that durable requests are added to."""
        return self.redis.key_prefix + self.redis.channels.tasks_stream

    def kept_at(self, key: Key) -> str:
        """The Redis key that the outcome of a request is kept at."""
        return self.redis.key_prefix + request_key(*key)

    @contextmanager
    def errors(self, is_closed: Callable[[], bool]) -> Iterator[None]:
        """What is done with Redis meanwhile fails with an error of Callboard's own; `is_closed` says whether the client
        is."""
        if is_closed():
            raise ClientClosedError(CLOSED)
        try:
            yield
        except Exception as error:
            # In any way: redis-py does not expect that another thread ends the connection which it works with.
            if is_closed():
                raise ClientClosedError(CLOSED) from None
            if isinstance(error, RedisError):
                raise redis_away(self.redis, error) from None
            raise


def own_channel(redis: RedisSettings, limits: Limits) -> str:
    """A channel of one client's own that a request may name as its `reply_to`; where none is allowed, the one of all
    outcomes."""
    name = uuid4().hex
    for pattern in limits.reply_to:
        channel = pattern.replace("*", name)
        if fnmatchcase(channel, pattern):
            return channel
    return redis.channels.results_queue


def cancellation(user_id: str | int | UUID, **name: Unpack[RequestName]) -> bytes:
    """The control message that cancels a request of this user, named by its `request_id` or its `task_id`.

    Raises:
        OptionError: when something else is given.
        TaskError: when that cannot be the name of a request.
    """
    if unknown := name.keys() - RequestName.__annotations__.keys():
        accepted = " and ".join(RequestName.__annotations__)
        raise OptionError(f"{', '.join(sorted(unknown))} is no name of a request; there are {accepted}")
    fields = {"action": "cancel", "user_id": user_id, **name}
    try:
        message = ControlMessage.model_validate(
            {field: str(value) if isinstance(value, UUID) else value for field, value in fields.items()}
        )
    except ValidationError as error:
        details = error.errors(include_url=False)[0]
        where = repr(".".join(map(str, details["loc"]))) if details["loc"] else "cancellation"
        complaint = f"Invalid {where}: {details['msg']}"
        refusal = RefusedRequestError(ErrorCode.INVALID_REQUEST, complaint, Sender())
        raise TaskError(refusal.outcome) from None
    return message.model_dump_json(exclude_none=True).encode()


def is_cluster(hello: list[Any]) -> bool:
    """Whether it is a node of a cluster that has answered HELLO like this."""
    return dict(zip(hello[::2], hello[1::2], strict=True)).get(b"mode") == b"cluster"


def nobody_listens(channel: str) -> NobodyListensError:
    """The error for a channel on which nobody is."""
    return NobodyListensError(f"nobody listens on channel {channel!r}: no ingress runs, or it uses another Redis")


def sent_by_another_process(key: Key) -> MisplacedError:
    """The error for a request whose outcome the process hears that this one was forked from."""
    user_id, request_id = key
    return MisplacedError(
        f"request {request_id!r} of user {user_id!r} was sent by the process that this one was forked from, and its "
        "outcome is heard there; send it again with the same request_id to get that here, too"
    )


def redis_away(redis: RedisSettings, error: RedisError) -> RedisAwayError:
    """The error for a Redis that does not do what it was asked to, without the password: one that does not know AUTH
    quotes it."""
    text = str(error) or type(error).__name__
    rest = _without_addresses(text, redis.location)
    reason = "it refused the password" if any(secret in rest for secret in redis.secrets) else text
    return RedisAwayError(f"Redis at {redis.location}: {reason}")


def _without_addresses(text: str, location: str) -> str:
    """Where nobody answers the text names the server, and a password may be the same name, such as `redis`."""
    for address in urlsplit(location).netloc.split(","):
        host = re.sub(r":[0-9]*$", "", address).strip("[]")
        text = re.sub(rf"{re.escape(host)}:[0-9]+", "", text) if host else text
    return text


def _settings_of(url: object) -> RedisSettings:
    if not isinstance(url, str):
        # Its type only: a URL as bytes or as an object, or a dictionary of settings, may hold a password.
        raise SettingsError(
            f"the Redis of a client should be a str with its URL, or its RedisSettings, and is of type "
            f"{type(url).__name__}; of a URL object pass str(url), of bytes url.decode()"
        )
    try:
        return RedisSettings.model_validate({"url": url})
    except ValidationError as error:
        # Without what it was: it may hold a password.
        raise SettingsError(f"the URL of Redis: {error.errors(include_input=False)[0]['msg']}") from None
