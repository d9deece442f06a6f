"""How much Redis holds for a subscriber that is behind."""

import redis
from loguru import logger

LIMIT = "client-output-buffer-limit"


def widen_output_buffer(client: "redis.Redis", wanted_bytes: int) -> None:
    """Has Redis hold `wanted_bytes` for a subscriber before it ends the connection; 0 leaves Redis as it is.

    By default Redis ends it above 32 MB, or above 8 MB for a minute, and a single message may have as much: then the
    ingress could not answer `too_large`, and would miss every request that waits behind it. Where Redis refuses (a
    managed one, or a user without CONFIG), the log says what to set. Source: redis.conf, client-output-buffer-limit.
    """
    if wanted_bytes == 0:
        return
    setting = f"pubsub {wanted_bytes} 0 0"
    try:
        words = str(client.config_get(LIMIT).get(LIMIT)).split()
        hard_bytes, soft_bytes = (int(word) for word in words[words.index("pubsub") + 1 :][:2])
        if all(limit == 0 or limit >= wanted_bytes for limit in (hard_bytes, soft_bytes)):
            return
        client.config_set(LIMIT, setting)
    except (redis.ResponseError, ValueError) as error:
        logger.warning("Redis keeps its own {} ({}); to lose nothing in a flood, set it to {!r}", LIMIT, error, setting)
    else:
        logger.info("Redis now holds up to {} bytes for a subscriber that is behind", wanted_bytes)
