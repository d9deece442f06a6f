"""The end of a message: acknowledged or dead, and its answer kept and published, in one step on Redis."""

import redis
from dramatiq.common import current_millis

from transport.answers import Answer
from transport.scripts import script

_NOTHING = Answer(b"", (), (), 0)


class Completion:
    """Ends the messages of one worker process."""

    def __init__(self, client: "redis.Redis", namespace: str, worker_id: str) -> None:
        self._script = script(client, "complete")
        self._namespace = namespace
        self._worker_id = worker_id

    def complete(self, queue_name: str, redis_message_id: str, answer: Answer | None, *, dead: bool) -> None:
        """Takes a message off its queue, as a dead letter if it is one, and sends its answer exactly then.

        May be repeated when its answer was lost: a message that is gone is not answered again.
        """
        payload, channels, keys, ttl_s = answer or _NOTHING
        dead_at_ms = current_millis() if dead else ""
        ending = (queue_name, self._worker_id, redis_message_id, dead_at_ms)
        self._script(keys=[self._namespace], args=[*ending, payload, ttl_s, len(keys), *keys, *channels])
