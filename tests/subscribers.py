"""Who is subscribed to channels of a Redis."""

import redis


def subscribers(operator: "redis.Redis") -> set[str]:
    """The ids of the connections that are."""
    return {subscriber["id"] for subscriber in operator.client_list(_type="pubsub")}
