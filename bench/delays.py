"""`python -m bench.delays`: how long after its time a delayed request is answered."""

import argparse
from statistics import median

from bench.driver import Driver, Workload
from bench.load import pauses_s, round_trip_ms
from bench.processes import running
from bench.report import table
from bench.systems import callboard
from client.redis_server import RedisServer

#: From what is due almost at once to what a worker does not hold all the time.
DELAYS_MS = (20, 100, 500, 2000)

PAUSE_S = 0.1


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.delays", description=__doc__)
    parser.add_argument("--requests", type=int, default=50, help="for each delay (default 50)")
    return parser.parse_args()


def main() -> None:
    """Measures one delay after another and prints a row for each."""
    options = arguments()
    with RedisServer() as server, running(callboard(), server.url):
        rows = [_row(server.url, delay_ms, options.requests) for delay_ms in DELAYS_MS]
    print(table(["delay ms", "requests", "late, median ms", "late, most ms"], rows))


def _row(url: str, delay_ms: int, count: int) -> list[str]:
    with Driver(url, Workload(delay_ms=delay_ms)) as driver:
        late_ms = [round_trip_ms(driver, pause_s) - delay_ms for pause_s in pauses_s(PAUSE_S, count)]
    return [str(delay_ms), str(count), f"{median(late_ms):.1f}", f"{max(late_ms):.1f}"]


if __name__ == "__main__":
    main()
