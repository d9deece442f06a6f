"""What comes in: a burst of requests, each a message now or an answer, on its way to Redis."""

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

#: The most requests that are laid aside in one entry of a stream, since they are read from it together.
TOGETHER = 256


class DeposedError(CallboardError):
    """This process does not hold the lease any more: whoever does takes in what it was about to."""


class Origin(NamedTuple):
    """Where a burst was heard or read, by which Redis knows whether it has it already."""

    #: The lease that whoever hears the channel has to hold, with its token; "" where any replica may take requests in.
    lease_key: str = ""
    lease_token: str = ""
    #: How far the channel is taken in with this burst, for whoever takes over: how many requests after each marker.
    position_key: str = ""
    position: Mapping[str, int] = {}
    position_ttl_s: int = 0
    #: Redis has no memory left: the burst holds answers only.
    is_full: bool = False
    #: The stream and the consumer group that the entries are to be acknowledged in.
    stream: str = ""
    group: str = ""
    #: The stream that the requests which are to wait are laid on, where there may be such.
    later: str = ""
    #: Whether a request that finds no room is answered `overloaded`; else it is kept back until there is some.
    sheds: bool = True
    #: Whether others send the same requests: each has one answer at most, and a repeat gets none.
    once: bool = False

    def words(self) -> Words:
        """What take_in.lua reads of it."""
        position = " ".join(f"{marker} {count}" for marker, count in self.position.items())
        channel = (self.lease_key, self.lease_token, self.position_key, position, self.position_ttl_s)
        flags = ("full" if self.is_full else "", "once" if self.once else "")
        return (*channel, *flags, self.stream, self.group, self.later)


_NO_CLAIM = Claim("", 0, "", ())


class Admitted(NamedTuple):
    """A request that became a message. `claim` when it has a `request_id`."""

    envelope: Envelope
    #: What is told of it.
    event: bytes
    claim: Claim | None = None
    entry_id: str = ""

    def words(self) -> Words:
        """What take_in.lua reads of it."""
        claim = self.claim or _NO_CLAIM
        message = self.envelope.arguments()
        claimed = (claim.key, claim.ttl_s, claim.outcome_key)
        return (self.entry_id, "message", self.event, *message, *claimed, len(claim.channels), *claim.channels)


class Refused(NamedTuple):
    """A request that became no message."""

    answer: Answer
    #: What is told of it.
    event: bytes
    error_code: ErrorCode
    entry_id: str = ""
    #: Where the outcome is kept of the request with its id, if it only finds no room: one that was taken in needs none.
    kept_at: str = ""

    def words(self) -> Words:
        """What take_in.lua reads of it."""
        answer = self.answer.words()
        if self.error_code is ErrorCode.OVERLOADED:
            return (self.entry_id, "shed", self.event, self.kept_at, *answer)
        return (self.entry_id, "answer", self.event, *answer)


class Later(NamedTuple):
    """Requests that nobody has judged yet, to be taken in together when those before them are: at most `TOGETHER`."""

    requests: Sequence[bytes]
    entry_id: str = ""

    def words(self) -> Words:
        """What take_in.lua reads of it."""
        packed = pack_command(tuple(self.requests))  # type: ignore[arg-type] # a wrong stub
        return (self.entry_id, "later", len(self.requests), packed)


def unpacked(packed: bytes) -> Iterator[bytes]:
    """The requests in an entry that take_in.lua has laid aside, of one `Later` or of several. None in one that somebody
    else has written, who has the right to."""
    reader = Reader()
    reader.feed(packed)
    with suppress(HiredisError):
        while isinstance(requests := reader.gets(), list):
            yield from (request for request in requests if isinstance(request, bytes))


Arrival = Admitted | Refused | Later


class TakenIn(NamedTuple):
    """What became of a burst."""

    #: How many messages each queue has now that got something; for `Origin.later` how many requests it has at most.
    lengths: dict[str, int]
    #: The places in the burst of requests that were not taken in: Redis has refused what only they need.
    refused: tuple[int, ...]
