"""How many primes there are: seconds of work, to see progress, cancellation and a time limit by."""

from collections.abc import Sequence
from math import isqrt
from typing import Annotated

from pydantic import BaseModel, Field

from task import progress, task

#: So many numbers are looked at together. Between two such segments, and between two primes within one, the task can be
#: interrupted.
SEGMENT = 1 << 20

Limit = Annotated[int, Field(ge=0, le=1_000_000_000, examples=[100])]


class PrimeCount(BaseModel):
    """How many primes were found."""

    count: Annotated[int, Field(examples=[25])]


@task(time_limit_ms=60_000, max_attempts=2)
def count_primes(limit: Limit) -> PrimeCount:
    """Counts the primes up to limit, with the sieve of Eratosthenes; a limit of a billion takes some seconds."""
    divisors = _primes_to(isqrt(limit))
    count = 0
    for first in range(0, limit + 1, SEGMENT):
        last = min(first + SEGMENT - 1, limit)
        count += _segment(first, last, divisors).count(1)
        progress(last, limit)
    return PrimeCount(count=count)


def _primes_to(limit: int) -> list[int]:
    is_prime = _segment(0, limit, range(2, isqrt(limit) + 1))
    return [number for number in range(limit + 1) if is_prime[number]]


def _segment(first: int, last: int, divisors: Sequence[int]) -> bytearray:
    """A 1 for each prime from `first` to `last`, a 0 for each other number."""
    is_prime = bytearray(b"\1") * (last - first + 1)
    for number in range(first, min(2, last + 1)):
        is_prime[number] = 0
    for divisor in divisors:
        multiple = max(divisor * divisor, -(-first // divisor) * divisor) - first
        if multiple < len(is_prime):
            is_prime[multiple::divisor] = bytes(len(range(multiple, len(is_prime), divisor)))
    return is_prime
