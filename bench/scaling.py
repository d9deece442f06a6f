"""`python -m bench.scaling`: what a task costs as the backlog, the catalogue, the workers or the texts grow.

Prints a table for each and draws them all in docs/images/scaling.svg. Where a curve should be flat, a band marks 20 %
to either side of its first value.
"""

import argparse
from pathlib import Path

from bench.curves import CURVES, Curve, Extent
from bench.report import table
from bench.scaling_chart import draw

CHART = Path(__file__).parents[1] / "docs" / "images" / "scaling.svg"

SHORT = Extent(runs=3, requests=5_000, waiting=(10, 1_000, 10_000, 100_000), memory_requests=100_000)
FULL = Extent(runs=3, requests=20_000, waiting=(10, 10_000, 100_000, 1_000_000), memory_requests=1_000_000)


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument("--full", action="store_true", help="up to 1,000,000 messages and requests; takes half an hour")
    parser.add_argument("--curves", nargs="+", choices=CURVES, default=list(CURVES), metavar="NAME")
    return parser.parse_args()


def curve_table(curve: Curve) -> str:
    """The figures of a curve and, beside each, its ratio to the first."""
    rows = []
    for position, x in enumerate(curve.xs):
        row = [f"{x:,.0f}"]
        for values in curve.series.values():
            row += [f"{values[position]:,.1f}", f"{values[position] / values[0]:.2f}x"]
        rows.append(row)
    headings = [heading for name in curve.series for heading in (f"{curve.figure}, {name}", "of the first")]
    return table([curve.x, *headings], rows)


def main() -> None:
    """Measures, prints and draws."""
    options = arguments()
    curves: list[Curve] = []
    for name in options.curves:
        for curve in CURVES[name](FULL if options.full else SHORT):
            print(f"\n{curve_table(curve)}", flush=True)
            curves.append(curve)
    draw(CHART, curves)


if __name__ == "__main__":
    main()
