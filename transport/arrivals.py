"""Requests on their way in: each has become a message or a refusal, or is laid aside to be judged later."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from hiredis import HiredisError, Reader, pack_command

from contract import ErrorCode
from errors import CallboardError
from transport.answers import Answer, Claim, Words
from transport.messages import Envelope

#: The consumer group of the streams that requests come on.
GROUP = "callboard"

#: The field of the position in Redis that names the marker which was used last.
LAST_MARKER = "last"

#: The most requests that are laid aside in one entry of a stream, from which they are read together.
MOST_IN_ENTRY = 256


class DeposedError(CallboardError):
    """This process does not hold the lease any more: whoever does takes in what it was about to. Or somebody has taken
    in a part of that by now."""


class Origin(NamedTuple):
    """Where a burst was heard or read, by which Redis knows whether it has taken it in already."""

    #: The lease that whoever hears the channel has to hold, with its token; "" where any replica may take requests in.
    lease_key: str = ""
    lease_token: str = ""
    #: How far the channel is taken in with this burst, for whoever takes over: how many requests after each marker.
    position_key: str = ""
    position: Mapping[str, int] = {}
    #: How many requests after the first of these markers were taken in before.
    before: int = 0
    position_ttl_s: int = 0
    #: Whether Redis has no memory left. Then the burst holds answers only.
    out_of_memory: bool = False
    #: The stream and the consumer group that the entries are to be acknowledged in.
    stream: str = ""
    group: str = ""
    #: The stream that requests are laid aside on, where there may be such; see `Later`.
    later: str = ""
    #: Whether a request that finds no room is shed, which is to answer it `overloaded`; else it waits for room.
    sheds: bool = True
    #: Whether others send the same requests: each gets one answer at most, and a repeat none.
    once: bool = False

    def words(self) -> Words:
        """What take_in.lua reads of it."""
        position = " ".join(f"{marker} {count}" for marker, count in self.position.items())
        channel = (self.lease_key, self.lease_token, self.position_key, position, self.before, self.position_ttl_s)
        flags = ("no memory" if self.out_of_memory else "", "once" if self.once else "")
        return (*channel, *flags, self.stream, self.group, self.later)


_NO_CLAIM = Claim("", 0, "", ())


class Admitted(NamedTuple):
    """A request that became a message; with a `claim` when it has a `request_id`."""

    envelope: Envelope
    #: That it was accepted.
    event: bytes
    claim: Claim | None = None
    entry_id: str = ""

    def words(self) -> Words:
        """What take_in.lua reads of it."""
        claim = self.claim or _NO_CLAIM
        message = self.envelope.words()
        claimed = (claim.key, claim.ttl_s, claim.outcome_key)
        return (self.entry_id, "message", self.event, *message, *claimed, len(claim.channels), *claim.channels)


class Refused(NamedTuple):
    """A request that became no message."""

    answer: Answer
    #: That it was not accepted, and why.
    event: bytes
    error_code: ErrorCode
    entry_id: str = ""
    #: Where the outcome is kept of the request with the same id: a repeat of one that was taken in is not shed.
    kept_at: str = ""

    def words(self) -> Words:
        """What take_in.lua reads of it."""
        answer = self.answer.words()
        if self.error_code is ErrorCode.OVERLOADED:
            return (self.entry_id, "shed", self.event, self.kept_at, *answer)
        return (self.entry_id, "answer", self.event, *answer)


class Later(NamedTuple):
    """At most `MOST_IN_ENTRY` requests that nobody has judged yet: laid aside together, they are judged when their turn
    comes."""

    requests: Sequence[bytes]

    def words(self) -> Words:
        """What take_in.lua reads of it."""
        packed = pack_command(tuple(self.requests))  # type: ignore[arg-type] # a wrong stub
        return ("", "later", packed)


def unpacked(packed: bytes) -> Iterator[bytes]:
    """The requests in an entry that take_in.lua has laid aside; of an entry that somebody else has written, those that
    can be read."""
    reader = Reader()
    reader.feed(packed)
    with suppress(HiredisError):
        while isinstance(requests := reader.gets(), list):
            yield from (request for request in requests if isinstance(request, bytes))


Arrival = Admitted | Refused | Later


class TakenIn(NamedTuple):
    """What became of a burst."""

    #: How many messages each queue that got one has now; how many entries the stream of `Origin.later` has.
    lengths: dict[str, int]
    #: The indices in the burst of requests that were not taken in: Redis has refused something that only they need.
    refused: tuple[int, ...]
    #: The indices of those whose entry of a stream was taken in before, mostly by another ingress.
    gone: tuple[int, ...] = ()
