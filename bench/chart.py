"""The chart of the comparison: three small panels of bars, readable on a light and on a dark page."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.measure import Figures, medians
from bench.report import SUBJECT

#: A grey with about the same contrast to white as to a dark page; the page itself shows through.
INK = "#808080"
OTHERS = "#7d95ad"
ACCENT = "#d9730d"

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "callboard",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
}

PANELS = (
    ("burst, requests per second", "burst_per_s", "{:,.0f}"),
    ("idle round trip, p50 in ms (log)", "idle_p50_ms", "{:,.1f}"),
    ("CPU seconds per 1000 tasks (log)", "cpu_s_per_1000", "{:,.2f}"),
)


def draw(path: Path, results: dict[str, list[Figures]]) -> None:
    """Writes the chart of the medians as SVG."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 0.8 + 0.3 * len(results)), layout="constrained")
        panels = figure.subplots(1, len(PANELS), sharey=True)
        names = list(results)
        for axes, (title, name, form) in zip(panels, PANELS, strict=True):
            values = [getattr(medians(results[system]), name) for system in names]
            _bars(axes, names, values, form)
            axes.set_title(title, fontsize=9)
            if "(log)" in title:
                axes.set_xscale("log")
                axes.set_xlim(min(values) / 3, max(values) * 4)
            else:
                axes.set_xlim(0, max(values) * 1.25)
        save(figure, path)


def _bars(axes: Axes, names: list[str], values: list[float], form: str) -> None:
    """One horizontal bar a system, the first on top, with its value written beside it."""
    bars = axes.barh(names, values, color=[ACCENT if name == SUBJECT else OTHERS for name in names], height=0.65)
    axes.bar_label(bars, [form.format(value) for value in values], padding=3, fontsize=8)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(left=False)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)


def save(figure: Figure, path: Path) -> None:
    """Writes the figure as SVG without a background and without a date, so that the same figures give the same file."""
    figure.savefig(path, format="svg", transparent=True, metadata={"Date": None})
