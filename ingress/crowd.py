"""Which users, or task types, send so much that an ingress which is behind lets the others pass first."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from random import randrange, sample
from typing import Any

from pydantic_core import from_json, to_json

#: An ingress is behind when more requests than this, or bytes of them, wait for it: 0.04 s of work or more.
BEHIND = 2048
BEHIND_BYTES = 8 * 1024 * 1024

#: Shares are judged by the latest requests, so many at least.
WINDOW = 1024

#: With a larger share of these than this a user, or a task type, is a crowd.
OF_USER = WINDOW // 16
OF_TYPE = WINDOW // 2

#: One in about so many of a task type's requests that are recognized by their bytes is parsed, to learn whose they are,
#: and counts for them all.
SAMPLED = 16

#: So many ways to write the fields of crowds are remembered.
MOST_MARKS = 64

#: No more of a user id or a task type is kept: it may be as long as a request. And of a number as much as 64 bits hold.
KEPT_CHARACTERS = 200
KEPT_BITS = 64

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

    def among(self, requests: Sequence[bytes]) -> list[bool]:
        """For each of the requests, the latest ones, whether its user or its task type sends too many. Those that do
        not say whose they are count as one user's."""
        self._users.move_on()
        self._types.move_on()
        users = self._users.recognized(requests)
        counts = Counter(users)
        others = counts.pop(None, 0)
        self._users.note(counts)
        # Types are counted without the requests of users who are crowds: one user's flood does not make a crowd of all
        # who ask for the same task. But their share is that of all requests, or those who ask for it would be one.
        self._types.pass_over(len(requests) - others)
        if not others:
            found = [True] * len(requests)
        elif others == len(requests):
            found = self._among_others(requests)
        else:
            rest = [request for request, user_id in zip(requests, users, strict=True) if user_id is None]
            answers = iter(self._among_others(rest))
            found = [user_id is not None or next(answers) for user_id in users]
        self.share = sum(found) / max(1, len(found))
        return found

    def _among_others(self, requests: Sequence[bytes]) -> list[bool]:
        """The same of requests that were not recognized by their users."""
        types = self._types.recognized(requests)
        found = [
            task_type is not None or self._includes(request, 1)
            for request, task_type in zip(requests, types, strict=True)
        ]
        # At random: of users who take turns a fixed step would always see the same.
        count = (len(requests) + randrange(SAMPLED)) // SAMPLED  # noqa: S311 - no secret
        for index in sample(range(len(requests)), count):
            if types[index] is not None:
                self._includes(requests[index], SAMPLED)
        return found

    def _includes(self, request: bytes, count: int) -> bool:
        """Whether a request is a crowd's, which stands for so many."""
        user_id, task_type = _traits(request)
        if self._users.include(user_id, count):
            self._types.pass_over(count)
            return True
        return self._types.include(task_type, count)


class _Crowds:
    """Those who send too many of the latest requests, by one of their fields.

    Parameters:
        most: with more than this of `WINDOW` requests they are too many.
    """

    def __init__(self, field: str, most: int) -> None:
        self._most = most
        self._latest = _Latest()
        #: By how it is written, the value of each crowd.
        self._values: dict[bytes, _Trait] = {}
        written = rb'("[^"\\]{0,%d}"|-?\d{1,20})' % KEPT_CHARACTERS
        # With what follows the value, so that 7 is not the beginning of 70.
        self._find = re.compile(rb"%s\s{0,9}:\s{0,9}%s\s{0,9}[,}]" % (to_json(field), written)).finditer
        #: By the bytes that its requests were recognized by, the same.
        self._marks: dict[bytes, _Trait] = {}
        # Where such bytes stood last, from the beginning and from the end of a request. The requests of a flood are
        # alike, and to look there takes a fifth of the time of a search.
        self._from_begin = self._from_end = slice(0)

    def recognized(self, requests: Sequence[bytes]) -> list[_Trait]:
        """For each of the requests the value of its field, if its bytes alone show that it is a crowd's: to parse it
        takes several times as long. Such bytes may also stand within the parameters; then it is taken for that crowd's.
        """
        if not self._values:
            return [None] * len(requests)
        value, from_begin, from_end = self._marks.get, self._from_begin, self._from_end
        found = [value(request[from_begin]) or value(request[from_end]) for request in requests]
        if None in found:
            for index, request in enumerate(requests):
                if found[index] is None:
                    found[index] = self._searched(request)
        return found

    def _searched(self, request: bytes) -> _Trait:
        # A field of the same name may stand before, in the parameters.
        for match in self._find(request):
            if match[1] in self._values:
                self._mark(match, len(request))
                return self._values[match[1]]
        return None

    def note(self, counts: Mapping[_Trait, int]) -> None:
        """Learns of requests that were recognized: how many there are with each value."""
        for value, count in counts.items():
            self._latest.note(value, count)

    def include(self, value: _Trait, count: int) -> bool:
        """Learns of so many requests, and says whether they are a crowd's."""
        self._latest.note(value, count)
        are_too_many = self._are_too_many(value)
        if are_too_many and value is not None:
            self._values[to_json(value)] = value
        return are_too_many

    def pass_over(self, count: int) -> None:
        """Learns of so many requests that count for nobody."""
        self._latest.pass_over(count)

    def move_on(self) -> None:
        """Forgets the oldest requests, and who was a crowd by them. To be called between bursts."""
        self._latest.move_on()
        values = {written: value for written, value in self._values.items() if self._are_too_many(value)}
        if len(values) < len(self._values):
            self._values, self._marks = values, {}

    def _are_too_many(self, value: _Trait) -> bool:
        return self._latest.count(value) > self._most

    def _mark(self, match: re.Match[bytes], length: int) -> None:
        if len(self._marks) >= MOST_MARKS:
            self._marks.clear()
        self._marks[match[0]] = self._values[match[1]]
        start, stop = match.span()
        self._from_begin = slice(start, stop)
        self._from_end = slice(start - length, stop - length or None)


class _Latest:
    """How many of the latest requests have the same trait."""

    def __init__(self) -> None:
        self._counts: dict[_Trait, int] = {}
        self._counts_before: dict[_Trait, int] = {}
        self._noted = self._noted_before = 0

    def note(self, trait: _Trait, count: int) -> None:
        """Learns of so many with this trait."""
        self._counts[trait] = self._counts.get(trait, 0) + count
        self._noted += count

    def pass_over(self, count: int) -> None:
        """Learns of so many without any."""
        self._noted += count

    def count(self, trait: _Trait) -> float:
        """How many of `WINDOW` requests have it. While fewer are known, how many of these."""
        known = self._counts.get(trait, 0) + self._counts_before.get(trait, 0)
        return known * WINDOW / max(WINDOW, self._noted + self._noted_before)

    def move_on(self) -> None:
        """Forgets the oldest, if enough are known that came later. To be called between bursts: in one, a crowd's may
        all be noted first."""
        if self._noted >= WINDOW:
            self._counts_before, self._counts = self._counts, {}
            self._noted_before, self._noted = self._noted, 0


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
    return value if type(value) is int and value.bit_length() < KEPT_BITS else None
