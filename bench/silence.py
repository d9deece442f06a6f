"""`python -m bench.silence`: what a request takes that is the first one after a long silence, beside a bare echo."""

import argparse
import time
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median

from bench.driver import Driver, Workload
from bench.load import round_trip_ms
from bench.processes import running
from bench.report import table
from bench.systems import BARE_ECHO, System, callboard
from client.redis_server import RedisServer

SYSTEMS = (callboard(), BARE_ECHO)

#: How long the driver rests between connecting and its request.
PAUSE_S = 0.2

#: How often it says that it is still waiting.
SAY_S = 300.0


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.silence", description=__doc__)
    parser.add_argument("--silence-s", type=float, default=3600.0, help="how long nothing is asked (default 3600)")
    parser.add_argument("--copies", type=int, default=5, help="of each system, each asked once (default 5)")
    return parser.parse_args()


def main() -> None:
    """Starts all copies, each with a Redis of its own, lets them rest, and asks one after another."""
    options = arguments()
    with ExitStack() as stack:
        urls = {system.name: [_started(system, stack) for _ in range(options.copies)] for system in SYSTEMS}
        _rest(options.silence_s)
        # Alternately: what the machine does besides is to be the same for both.
        turns = list(zip(*urls.values(), strict=True))
        first_ms = [[_first_ms(url) for url in turn] for turn in turns]
    rows = [_row(name, latencies_ms) for name, latencies_ms in zip(urls, zip(*first_ms, strict=True), strict=True)]
    print(table(["first request after", "copies", "median ms", "slowest ms"], rows))


def _started(system: System, stack: ExitStack) -> str:
    server = stack.enter_context(RedisServer())
    stack.enter_context(running(system, server.url))
    return server.url


def _rest(silence_s: float) -> None:
    ends_s = time.monotonic() + silence_s
    while (left_s := ends_s - time.monotonic()) > 0:
        print(f"{left_s:.0f} s of silence are left", flush=True)
        time.sleep(min(SAY_S, left_s))


def _first_ms(url: str) -> float:
    with Driver(url, Workload()) as driver:
        return round_trip_ms(driver, PAUSE_S)


def _row(name: str, latencies_ms: Sequence[float]) -> list[str]:
    return [name, str(len(latencies_ms)), f"{median(latencies_ms):.2f}", f"{max(latencies_ms):.2f}"]


if __name__ == "__main__":
    main()
