"""The chart of the curves: a panel each, zero at the bottom, so that flat looks flat."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, NullLocator

from bench.chart import ACCENT, OTHERS, STYLE, save
from bench.curves import Curve

COLUMNS = 3


def draw(path: Path, curves: list[Curve]) -> None:
    """Writes one panel for each curve as SVG."""
    rows = -(-len(curves) // COLUMNS)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 2.3 * rows), layout="constrained")
        for position, curve in enumerate(curves, start=1):
            _panel(figure.add_subplot(rows, COLUMNS, position), curve)
        save(figure, path)


def _panel(axes: Axes, curve: Curve) -> None:
    for (name, values), color in zip(curve.series.items(), (ACCENT, OTHERS), strict=False):
        if curve.flat:
            axes.axhspan(0.8 * values[0], 1.2 * values[0], color=color, alpha=0.12, linewidth=0)
        axes.plot(curve.xs, values, color=color, marker="o", markersize=3, label=name)
    if curve.xs[0] > 0:
        axes.set_xscale("log")
        axes.set_xticks(curve.xs)
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_ylim(bottom=0)
    axes.set_xlabel(curve.x)
    axes.set_title(curve.figure, fontsize=9)
    if len(curve.series) > 1:
        axes.legend(frameon=False, fontsize=8)
