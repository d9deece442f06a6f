"""How long most of several things took."""

from collections.abc import Sequence


def percentile(ascending: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent are not above; there has to be one."""
    return ascending[-(-len(ascending) * percent // 100) - 1]
