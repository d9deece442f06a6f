"""The quick variants of the harness's experiments: `make chaos` runs the long ones."""

import pytest

from tests.faults.catalogue import ROWS
from tests.faults.extent import QUICK

#: Too long for a test, however quick.
LONG = ("poison", "stop-in-long-tasks")


@pytest.mark.timeout(150)
@pytest.mark.parametrize("name", [name for name in ROWS if name not in LONG])
def test_nothing_is_lost_and_nothing_is_answered_twice(name: str) -> None:
    row = ROWS[name](QUICK)
    assert row.is_clean, row.figures()
