"""All events of a Callboard, as they are published."""

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from pydantic import ValidationError
from redis import RedisError

from client.listener import Listener
from client.place import redis_away
from contract import TaskEvent
from setting_sections import RedisSettings
from transport.connection import connect

#: No event is longer, but for one of a request whose user id or task type is; such a one is left out, too.
MAX_BYTES = 64 * 1024

#: The most events that are heard and not read yet; those that come then are left out.
MOST_UNREAD = 20_000


@contextmanager
def event_stream(redis: RedisSettings, silence_s: float) -> Iterator[Iterator[TaskEvent | None]]:
    """The events from now on, with None after each `silence_s` without one. What is published while the connection is
    lost is missed, and so is what comes faster than it is read, for long.

    Raises:
        RedisAwayError: when Redis does not answer, or does not allow it.
    """
    heard: SimpleQueue[bytes] = SimpleQueue()

    def hear(_: str, data: bytes) -> None:
        if len(data) <= MAX_BYTES and heard.qsize() < MOST_UNREAD:
            heard.put(data)

    with connect(redis.connection_url, redis.key_prefix) as client:
        listener = Listener(client, hear, lambda: True)
        try:
            try:
                listener.hear(redis.channels.events)
            except RedisError as error:
                raise redis_away(redis, error) from None
            yield _each(heard, silence_s)
        finally:
            listener.close()


def _each(heard: "SimpleQueue[bytes]", silence_s: float) -> Iterator[TaskEvent | None]:
    while True:
        try:
            yield TaskEvent.model_validate_json(heard.get(timeout=silence_s))
        except Empty:
            yield None
        except ValidationError:  # anybody may publish there
            continue
