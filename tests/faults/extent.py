"""How much of everything: a few seconds a row for the tests, the numbers of the promise for `make chaos`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Extent:
    """How often a fault happens, and under what load."""

    #: Faults in a row of the table.
    times: int
    #: Requests published a second while faults happen.
    rate_per_s: float
    #: Seconds between two faults; what was disturbed has them to come to rest.
    pause_s: float
    #: How many commands of the same name are tried, where a fault happens at every command.
    most: int
    #: Whether it also happens at every command of a start.
    starts: bool
    #: Between how many seconds Redis is stopped for.
    stop_s: tuple[float, float]
    #: Requests in a flood, and those of 64 kB.
    flood: int
    large_flood: int
    #: How long nothing may change before what is unanswered counts as lost.
    patience_s: float


QUICK = Extent(
    times=2,
    rate_per_s=150.0,
    pause_s=0.5,
    most=1,
    starts=False,
    stop_s=(1.0, 1.0),
    flood=5_000,
    large_flood=300,
    patience_s=20.0,
)

FULL = Extent(
    times=20,
    rate_per_s=200.0,
    pause_s=5.0,
    most=3,
    starts=True,
    stop_s=(1.0, 10.0),
    flood=1_000_000,
    large_flood=20_000,
    patience_s=30.0,
)
