"""Who sends so much that an ingress which is behind lets the others pass first."""

from collections import deque
from typing import Any

from pydantic_core import from_json

#: An ingress is behind with more requests than this, or bytes of them, before it: a tenth of a second's work or more.
BEHIND = 2048
BEHIND_BYTES = 8 * 1024 * 1024

#: The latest requests that shares are judged by.
WINDOW = 1024

#: With more of them than this a user, or a task type, is a crowd.
OF_USER = WINDOW // 16
OF_TYPE = WINDOW // 2


class Crowd:
    """Learns from the requests that it is asked about. Belongs to one thread.

    It need not be right: a crowd's requests wait longer and are taken in like all others. What a worker performs next
    is decided on the queue, and there without a threshold, see turns.lua.
    """

    def __init__(self) -> None:
        self._users = _Latest()
        self._types = _Latest()

    def includes(self, request: bytes) -> bool:
        """Whether a request, which comes now, is one too many of its user or its task type. Not if it cannot be read:
        then it is quickly refused."""
        user_id, task_type = _traits(request)
        if user_id is None or task_type is None:
            return False
        if self._users.count(user_id) > OF_USER:
            return True
        # Of the other users' only: one who floods does not make a crowd of all who ask for the same.
        return self._types.count(task_type) > OF_TYPE


class _Latest:
    """How many of the latest requests have the same trait."""

    def __init__(self) -> None:
        self._latest: deque[str | int] = deque()
        self._counts: dict[str | int, int] = {}

    def count(self, trait: str | int) -> int:
        """With the one that comes now."""
        counts = self._counts
        counts[trait] = counts.get(trait, 0) + 1
        self._latest.append(trait)
        if len(self._latest) > WINDOW:
            oldest = self._latest.popleft()
            if counts[oldest] == 1:
                del counts[oldest]
            else:
                counts[oldest] -= 1
        return counts[trait]


def _traits(request: bytes) -> tuple[str | int | None, str | None]:
    """User and task type of a request that nobody has judged yet; None where they are not what they should be."""
    try:
        content: Any = from_json(request)
    except ValueError:
        return None, None
    if not isinstance(content, dict):
        return None, None
    user_id, task_type = content.get("user_id"), content.get("task_type")
    # By `type`: half of what a request costs here is this function.
    return user_id if type(user_id) in (str, int) else None, task_type if type(task_type) is str else None
