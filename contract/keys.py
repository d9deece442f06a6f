"""Where Redis keeps what is known of a request, for a while. Not the wire: a client with the rights may read it."""

from pydantic_core import to_json


def outcome_key(task_id: str) -> str:
    """The Redis key that holds the outcome of a task for `redis.outcome_ttl_s`."""
    return f"callboard:outcome:{task_id}"


def request_key(user_id: str | int, request_id: str) -> str:
    """The same by request: two users may use one `request_id`, and user 7 is not user "7", hence the JSON."""
    return f"callboard:outcome:{to_json(user_id).decode()}:{request_id}"


def claim_key(user_id: str | int, request_id: str) -> str:
    """The Redis key that says that this request was taken in; it holds the id of its task."""
    return f"callboard:request:{to_json(user_id).decode()}:{request_id}"
