"""`python -m tests.faults.soak`: half an hour under load, with a fault each minute; latency and memory as a chart.

Ends with 1 when a request was lost or answered twice.
"""

import argparse
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import cycle
from pathlib import Path

from client.redis_server import RedisServer
from tests.faults.load import Load
from tests.faults.report import save, table
from tests.faults.row import Row
from tests.faults.rows.redis_server import APPEND_ONLY, OUTAGE_S, restart
from tests.faults.site import Site
from tests.faults.soak_chart import Sample, draw
from tests.faults.workloads import works

CHART = Path(__file__).parents[2] / "docs" / "images" / "soak.svg"

#: Of the rate that was measured at first.
SHARE = 0.7

#: How long the rate is measured, in requests, and with how many unanswered.
CAPACITY_REQUESTS = 20_000
CAPACITY_WINDOW = 500

SAMPLE_S = 5.0
PATIENCE_S = 30.0

PROCESSES = ("ingress-1", "ingress-2", "worker-1", "worker-2")

#: Outcomes are kept for long enough to find those that were missed, and not so long that Redis fills up with them.
CONFIG = {"redis": {"channels": {"tasks_queue": "tasks", "results_queue": "results"}, "outcome_ttl_s": 60}}


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=int, default=30, help="how long, with a fault in each (default 30)")
    minutes = parser.parse_args().minutes
    with Site(CONFIG, RedisServer(*APPEND_ONLY)) as site:
        site.start(*PROCESSES)
        rate_per_s = SHARE * _capacity_per_s(site)
        with Load(site.url, works, rate_per_s=rate_per_s, window=1_000_000) as load:
            samples = _soak(site, load, minutes)
            account = load.settle(PATIENCE_S)
            name = f"{minutes} minutes at {rate_per_s:,.0f} requests/s, a fault in each"
            row = Row(name, minutes, account, load.recovery_s())
            draw(CHART, load.ledger.latencies_s(), samples, [began_s for began_s, _ in load.faults])
    print(table([row.figures()]))
    save({"soak": row})
    return 0 if row.is_clean else 1


def _capacity_per_s(site: Site) -> float:
    with Load(site.url, works, window=CAPACITY_WINDOW) as load:
        began_s = time.monotonic()
        load.publish(CAPACITY_REQUESTS)
        load.settle(PATIENCE_S)
        return CAPACITY_REQUESTS / ((load.ledger.settled_s(time.monotonic()) or time.monotonic()) - began_s)


def _soak(site: Site, load: Load, minutes: int) -> list[Sample]:
    """Lets a fault happen in the middle of each minute; returns the memory that everything had meanwhile."""
    faults = cycle(_faults(site))
    samples: list[Sample] = []
    over = threading.Event()
    sampler = threading.Thread(target=_sample, args=[site, samples, over])
    sampler.start()
    load.publish(sys.maxsize)
    for _ in range(minutes):
        began_s = time.monotonic()
        time.sleep(30)
        struck_s = time.monotonic()
        next(faults)()
        load.note_fault(struck_s)
        time.sleep(max(0.0, 60 - (time.monotonic() - began_s)))
        with site.client() as client:
            load.find_stored(client)
    load.stop_publishing()
    over.set()
    sampler.join()
    return samples


def _faults(site: Site) -> list[Callable[[], object]]:
    def stop_redis() -> None:
        site.suspend_redis()
        time.sleep(OUTAGE_S)
        site.resume_redis()

    def commanded(*words: str) -> None:
        with site.client() as client:
            client.execute_command(*words)

    return [
        partial(site.kill_children, "worker-1"),
        stop_redis,
        partial(site.kill_and_start, "ingress-1"),
        partial(restart, site, kill=False),
        partial(commanded, "SCRIPT", "FLUSH"),
        partial(site.kill_and_start, "worker-2"),
        partial(commanded, "CLIENT", "KILL", "TYPE", "normal"),
        partial(restart, site, kill=True),
        partial(site.kill_and_start, "ingress-2"),
        partial(site.stop_and_start, "worker-1"),
    ]


def _sample(site: Site, samples: list[Sample], over: threading.Event) -> None:
    while not over.wait(SAMPLE_S):
        memory = {name: site.memory_bytes(name) for name in PROCESSES}
        samples.append(Sample(time.monotonic(), memory | {"Redis": site.redis_memory_bytes()}))


if __name__ == "__main__":
    sys.exit(main())
