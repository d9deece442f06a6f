"""`python -m bench`: measures systems side by side, prints medians and ratios, writes results.json and the chart."""

import argparse
from pathlib import Path

from bench.chart import draw
from bench.measure import Figures, Load, measure
from bench.report import SUBJECT, figures_table, ratios_table, save
from bench.systems import SYSTEMS

HERE = Path(__file__).parent
CHART = HERE.parent / "docs" / "images" / "speed.svg"


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="alternating runs of every system (default 5)")
    parser.add_argument("--requests", type=int, default=5000, help="requests in a burst (default 5000)")
    parser.add_argument("--outstanding", type=int, default=500, help="unanswered at any moment (default 500)")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS), metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="one run with few round trips, to see that all works")
    return parser.parse_args()


def measure_all(names: list[str], runs: int, load: Load) -> dict[str, list[Figures]]:
    """Measures each system in each run; every other run goes backwards, so that a drift of the machine cancels out."""
    results: dict[str, list[Figures]] = {name: [] for name in names}
    for run in range(runs):
        for name in names if run % 2 == 0 else reversed(names):
            figures = measure(SYSTEMS[name], load)
            results[name].append(figures)
            print(
                f"run {run + 1} of {runs}: {name}: {figures.burst_per_s:,.0f}/s, {figures.idle_p50_ms:.2f} ms",
                flush=True,
            )
    return results


def main() -> None:
    """Measures, prints and writes."""
    options = arguments()
    load = Load(
        requests=options.requests,
        outstanding=options.outstanding,
        round_trips=20 if options.quick else 100,
        pause_s=0.2,
        idle_s=1.0 if options.quick else 5.0,
    )
    results = measure_all(options.systems, 1 if options.quick else options.runs, load)
    print(f"\n{figures_table(results)}")
    if SUBJECT in results and len(results) > 1:
        print(f"\n{ratios_table(results)}")
    save(HERE / "results.json", results, load)
    draw(CHART, results)


if __name__ == "__main__":
    main()
