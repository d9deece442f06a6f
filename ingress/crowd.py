"""Which users, or task types, send so much that an ingress which is behind lets the others pass first."""

import re
from collections.abc import Mapping, Sequence
from operator import or_
from typing import Any

from pydantic_core import from_json, to_json

#: An ingress is behind when more requests than this, or bytes of them, wait for it: a tenth of a second's work or more.
BEHIND = 2048
BEHIND_BYTES = 8 * 1024 * 1024

#: Shares are judged by the latest requests, so many at least.
WINDOW = 1024

#: With more of these than this a user, or a task type, is a crowd.
OF_USER = WINDOW // 16
OF_TYPE = WINDOW // 2

#: The most users whose requests are recognized by their bytes alone.
MOST_MARKS = 4

#: No more of a user id or a task type is kept: it may be as long as a request.
KEPT_CHARACTERS = 200

_Trait = str | int | None


class Crowd:
    """Learns from the requests that it is asked about. Belongs to one thread.

    It need not be right: a crowd's requests wait longer and are taken in like all others. What a worker performs next
    is decided on the queue, and there without a threshold, see turns.lua.
    """

    def __init__(self) -> None:
        #: The part of the requests asked about last that is a crowd's, from 0 to 1.
        self.share = 0.0
        self._users = _Latest(OF_USER)
        self._types = _Latest(OF_TYPE)
        #: By user who is a crowd, the bytes that his requests are recognized by.
        self._marks: dict[_Trait, _Mark] = {}

    def among(self, requests: Sequence[bytes]) -> list[bool]:
        """For each of the requests, the latest ones, whether its user or its task type sends too many. Those that do
        not say whose they are count as one user's."""
        found = self._marked(requests)
        if not all(found):
            found = [is_marked or self._includes(request) for is_marked, request in zip(found, requests, strict=True)]
        self.share = sum(found) / max(1, len(found))
        return found

    def _marked(self, requests: Sequence[bytes]) -> list[bool]:
        """For each of the requests, whether its bytes alone show that it is a crowd's: to parse it takes several times
        as long. A user's mark may also stand within another one's parameters; then that request waits as well."""
        self._marks = {user_id: mark for user_id, mark in self._marks.items() if self._users.have_too_many(user_id)}
        marked = [False] * len(requests)
        counts: dict[_Trait, int] = {}
        for user_id, mark in self._marks.items():
            found = mark.is_in(requests)
            counts[user_id] = sum(found)
            marked = list(map(or_, marked, found))
        self._users.note(counts)
        return marked

    def _includes(self, request: bytes) -> bool:
        user_id, task_type = _traits(request)
        self._users.note({user_id: 1})
        if self._users.have_too_many(user_id):
            self._mark(user_id, request)
            return True
        # Counted without the requests of crowds: one user's flood does not make a crowd of all who ask for the same
        # task.
        self._types.note({task_type: 1})
        return self._types.have_too_many(task_type)

    def _mark(self, user_id: _Trait, request: bytes) -> None:
        if user_id is None or user_id in self._marks or len(self._marks) >= MOST_MARKS:
            return
        # With what follows the value, so that 7 is not the beginning of 70.
        pattern = rb'"user_id"\s*:\s*%s\s*[,}]' % re.escape(to_json(user_id))
        if match := re.search(pattern, request):
            self._marks[user_id] = _Mark(match[0])


class _Mark:
    """The bytes that the requests of one user are recognized by."""

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._search = re.compile(re.escape(mark)).search
        # Where it stood last, from the beginning and from the end of a request. The requests of a flood are alike, and
        # to look there takes a third of the time of a search.
        self._from_begin = self._from_end = slice(0)

    def is_in(self, requests: Sequence[bytes]) -> list[bool]:
        """For each of the requests, whether the mark stands in it."""
        mark, from_begin, from_end = self._mark, self._from_begin, self._from_end
        found = [request[from_begin] == mark or request[from_end] == mark for request in requests]
        if not all(found):
            for index, request in enumerate(requests):
                if not found[index] and (match := self._search(request)):
                    found[index] = True
                    self._note(*match.span(), len(request))
        return found

    def _note(self, start: int, stop: int, length: int) -> None:
        self._from_begin = slice(start, stop)
        self._from_end = slice(start - length, stop - length or None)


class _Latest:
    """How many of the latest requests have the same trait.

    Parameters:
        most: more than this are too many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: dict[_Trait, int] = {}
        self._counts_before: dict[_Trait, int] = {}
        self._noted = 0

    def note(self, counts: Mapping[_Trait, int]) -> None:
        """Learns of requests that came together: how many there are with each trait."""
        if self._noted >= WINDOW:
            self._counts_before, self._counts, self._noted = self._counts, {}, 0
        for trait, count in counts.items():
            self._counts[trait] = self._counts.get(trait, 0) + count
            self._noted += count

    def have_too_many(self, trait: _Trait) -> bool:
        """Whether too many have it."""
        return self._counts.get(trait, 0) + self._counts_before.get(trait, 0) > self._most


def _traits(request: bytes) -> tuple[_Trait, _Trait]:
    """User and task type of a request that nobody has judged yet; None for each that is none."""
    try:
        content: Any = from_json(request)
    except ValueError:
        return None, None
    if not isinstance(content, dict):
        return None, None
    return _trait(content.get("user_id")), _trait(content.get("task_type"))


def _trait(value: Any) -> _Trait:
    # By `type`, which is faster than `isinstance`: this is half of what a request costs here.
    if type(value) is str:
        return value[:KEPT_CHARACTERS]
    return value if type(value) is int else None
