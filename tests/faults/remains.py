"""What is left on the queues, when nothing should be."""

import redis


def left_over(client: "redis.Redis") -> int:
    """How many messages are on a queue, on its delay queue, or in a worker's hands; dead letters do not count."""
    keys = [key for key in client.scan_iter("dramatiq:*.msgs", count=1000) if not key.endswith(b".XQ.msgs")]
    return sum(int(client.hlen(key)) for key in keys)
