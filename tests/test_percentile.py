"""How long most of several things took."""

import pytest

from client.percentile import percentile

HUNDRED = [float(number) for number in range(1, 101)]


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([7.0], 50, 7.0),
        ([1.0, 2.0, 3.0], 50, 2.0),
        ([1.0, 2.0, 3.0], 99, 3.0),
        (HUNDRED, 95, 95.0),
        (HUNDRED, 99, 99.0),
    ],
)
def test_so_many_percent_are_not_above_it(values: list[float], percent: int, expected: float) -> None:
    assert percentile(values, percent) == expected
