"""Who sends so much that an ingress which is behind lets the others pass first."""

import re
from collections.abc import Sequence
from operator import or_
from typing import Any

from pydantic_core import from_json, to_json

#: An ingress is behind with more requests than this, or bytes of them, before it: a tenth of a second's work or more.
BEHIND = 2048
BEHIND_BYTES = 8 * 1024 * 1024

#: The latest requests that shares are judged by: as many, or up to twice as many.
WINDOW = 1024

#: With more of them than this a user, or a task type, is a crowd.
OF_USER = WINDOW // 16
OF_TYPE = WINDOW // 2

#: The most users, and task types, whose requests are known by a look at their bytes.
MOST_MARKS = 4

_Trait = str | int


class Crowd:
    """Learns from the requests that it is asked about. Belongs to one thread.

    It need not be right: a crowd's requests wait longer and are taken in like all others. What a worker performs next
    is decided on the queue, and there without a threshold, see turns.lua.
    """

    def __init__(self) -> None:
        #: Of the requests that it was asked about last, which part is a crowd's.
        self.share = 0.0
        self._users = _Latest("user_id", OF_USER)
        self._types = _Latest("task_type", OF_TYPE)

    def among(self, requests: Sequence[bytes]) -> list[bool]:
        """For each of the requests, which come now, whether it is one too many of its user or its task type. Not if it
        cannot be read: then it is quickly refused."""
        found = [False] * len(requests)
        for latest in (self._users, self._types):
            found = list(map(or_, found, latest.marked(requests)))
        found = [is_marked or self._includes(request) for is_marked, request in zip(found, requests, strict=True)]
        self.share = sum(found) / max(1, len(found))
        return found

    def _includes(self, request: bytes) -> bool:
        user_id, task_type = _traits(request)
        if user_id is None or task_type is None:
            return False
        # Of the other users' only: one who floods does not make a crowd of all who ask for the same.
        return self._users.are_too_many(user_id, request) or self._types.are_too_many(task_type, request)


class _Latest:
    """How many of the latest requests have the same trait, which is what they have in one field.

    Those of a crowd are known by the bytes of the field, as it stands in one of them: to read a request takes ten times
    as long. In another one it may stand further within, in its parameters, which then waits as well.
    """

    def __init__(self, field: str, most: int) -> None:
        self._field = field
        self._most = most
        self._counts: dict[_Trait, int] = {}
        self._counts_before: dict[_Trait, int] = {}
        self._noted = 0
        self._marks: dict[_Trait, bytes] = {}

    def marked(self, requests: Sequence[bytes]) -> list[bool]:
        """For each of the requests, which come now, whether it is known to be a crowd's."""
        found = [False] * len(requests)
        self._marks = {trait: mark for trait, mark in self._marks.items() if self._count(trait) > self._most}
        for trait, mark in self._marks.items():
            has_mark = [mark in request for request in requests]
            self._note(trait, sum(has_mark))
            found = list(map(or_, found, has_mark))
        return found

    def are_too_many(self, trait: _Trait, request: bytes) -> bool:
        """Whether it is a crowd with this request, which comes now."""
        self._note(trait, 1)
        if self._count(trait) <= self._most:
            return False
        if trait not in self._marks and len(self._marks) < MOST_MARKS:
            # With what stands behind it, so that 7 is not the beginning of 70.
            pattern = rb'"%s"\s*:\s*%s\s*[,}]' % (self._field.encode(), re.escape(to_json(trait)))
            if match := re.search(pattern, request):
                self._marks[trait] = match[0]
        return True

    def _note(self, trait: _Trait, count: int) -> None:
        if self._noted >= WINDOW:
            self._counts_before, self._counts, self._noted = self._counts, {}, 0
        self._counts[trait] = self._counts.get(trait, 0) + count
        self._noted += count

    def _count(self, trait: _Trait) -> int:
        return self._counts.get(trait, 0) + self._counts_before.get(trait, 0)


def _traits(request: bytes) -> tuple[_Trait | None, str | None]:
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
