"""Which users, or task types, send so much that an ingress which is behind lets the others pass first."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
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

#: One in so many of a task type's requests that are recognized by their bytes is parsed, to learn whose they are. A
#: prime: of users who take turns every one is seen as often as the others.
SAMPLED = 11

#: So many ways to write the fields of crowds are remembered.
MOST_MARKS = 64

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
        self._users = _Crowds("user_id", OF_USER)
        self._types = _Crowds("task_type", OF_TYPE)
        #: How many requests were recognized by their task type since one of them was parsed.
        self._passed = 0

    def among(self, requests: Sequence[bytes]) -> list[bool]:
        """For each of the requests, the latest ones, whether its user or its task type sends too many. Those that do
        not say whose they are count as one user's."""
        users = self._users.recognized(requests)
        self._users.note(Counter(users))
        found = [True] * len(requests)
        if None in users:
            others = [index for index, user_id in enumerate(users) if user_id is None]
            types = self._types.recognized([requests[index] for index in others])
            for index, task_type in zip(others, types, strict=True):
                found[index] = self._includes(requests[index], task_type)
        self.share = sum(found) / max(1, len(found))
        return found

    def _includes(self, request: bytes, recognized_type: _Trait) -> bool:
        count = 1
        if recognized_type is not None:
            self._passed = (self._passed + 1) % SAMPLED
            if self._passed:
                return True
            count = SAMPLED
        user_id, task_type = _traits(request)
        # Types are counted without the requests of crowds: one user's flood does not make a crowd of all who ask for
        # the same task.
        return self._users.include(user_id, count) or self._types.include(task_type, count)


class _Crowds:
    """Whose requests are too many of the latest, by one of their fields.

    Parameters:
        most: more than this are too many.
    """

    def __init__(self, field: str, most: int) -> None:
        self._field = re.escape(to_json(field))
        self._latest = _Latest(most)
        #: By how it is written, the value of each crowd.
        self._values: dict[bytes, _Trait] = {}
        self._search = re.compile(b"").search
        #: By the bytes that its requests were recognized by, the same.
        self._marks: dict[bytes, _Trait] = {}
        # Where such bytes stood last, from the beginning and from the end of a request. The requests of a flood are
        # alike, and to look there takes a third of the time of a search.
        self._from_begin = self._from_end = slice(0)

    def recognized(self, requests: Sequence[bytes]) -> list[_Trait]:
        """For each of the requests the value of its field, if its bytes alone show that it is a crowd's: to parse it
        takes several times as long. They may also stand within another one's parameters; then that waits as well."""
        self._forget_former()
        if not self._values:
            return [None] * len(requests)
        value, from_begin, from_end = self._marks.get, self._from_begin, self._from_end
        found = [value(request[from_begin]) or value(request[from_end]) for request in requests]
        if None in found:
            for index, request in enumerate(requests):
                if found[index] is None and (match := self._search(request)):
                    found[index] = self._values[match[1]]
                    self._mark(match, len(request))
        return found

    def note(self, counts: Mapping[_Trait, int]) -> None:
        """Learns of requests that came together and were recognized: how many there are with each value."""
        self._latest.note({value: count for value, count in counts.items() if value is not None})

    def include(self, value: _Trait, count: int) -> bool:
        """Learns of so many requests, and says whether they are a crowd's."""
        self._latest.note({value: count})
        if not self._latest.have_too_many(value):
            return False
        if value is not None and (written := to_json(value)) not in self._values:
            self._recognize(self._values | {written: value})
        return True

    def _forget_former(self) -> None:
        values = {written: value for written, value in self._values.items() if self._latest.have_too_many(value)}
        if len(values) < len(self._values):
            self._recognize(values)

    def _recognize(self, values: dict[bytes, _Trait]) -> None:
        self._values, self._marks = values, {}
        # With what follows the value, so that 7 is not the beginning of 70.
        pattern = rb"%s\s{0,9}:\s{0,9}(%s)\s{0,9}[,}]" % (self._field, b"|".join(map(re.escape, values)))
        self._search = re.compile(pattern).search

    def _mark(self, match: re.Match[bytes], length: int) -> None:
        if len(self._marks) >= MOST_MARKS:
            self._marks.clear()
        self._marks[match[0]] = self._values[match[1]]
        start, stop = match.span()
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
