"""The quickest of the harness's experiments. `make chaos` runs all of them, for longer, and looks at the time that they
take, too."""

import pytest

from tests.faults.catalogue import ROWS
from tests.faults.extent import QUICK

QUICKEST = (
    "worker-killed",
    "ingress-killed",
    "ingress-killed-stream",
    "requests-repeated",
    "redis-restarted",
    "redis-stopped",
    "scripts-flushed",
    "connections-killed",
    "connections-cut",
    "connections-abandoned",
    "packets-lost",
    "two-faults",
    "read-only",
    "out-of-memory",
    "undecodable-entry",
    "flood",
    "worker-cut-everywhere",
    "ingress-cut-everywhere",
)


@pytest.mark.timeout(150)
@pytest.mark.parametrize("name", QUICKEST)
def test_nothing_is_lost_and_nothing_is_answered_twice(name: str) -> None:
    row = ROWS[name](QUICK)
    assert row.is_complete, row.figures()
