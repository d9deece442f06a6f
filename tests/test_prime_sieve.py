"""The task that counts primes."""

from typing import Any

import pytest

from actors.prime_sieve import SEGMENT, count_primes
from errors import InvalidParametersError
from tests.samples import perform


@pytest.mark.parametrize(
    ("limit", "count"), [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (100, 25), (104_729, 10_000), (10_000_000, 664_579)]
)
def test_the_primes_up_to_a_limit_are_counted(limit: int, count: int) -> None:
    assert count_primes(limit).count == count


@pytest.mark.parametrize("limit", [SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT])
def test_no_number_is_lost_between_two_segments(limit: int) -> None:
    is_prime = bytearray([0, 0] + [1] * (limit - 1))
    for number in range(2, int(limit**0.5) + 1):
        if is_prime[number]:
            is_prime[number * number :: number] = bytes(len(range(number * number, limit + 1, number)))
    assert count_primes(limit).count == sum(is_prime)


def test_the_result_is_an_object() -> None:
    assert perform(count_primes, limit=100) == {"count": 25}


@pytest.mark.parametrize("limit", [-1, 1_000_000_001, 1.5, True, "100", None])
def test_another_limit_is_refused(limit: Any) -> None:
    with pytest.raises(InvalidParametersError, match="'limit' parameter"):
        count_primes.check({"limit": limit})
