"""The chart of a soak: latency and memory over time, with a line for each fault."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.chart import ACCENT, INK, OTHERS, STYLE, save

#: Latencies within so many seconds are one point.
BIN_S = 5.0


class Sample(NamedTuple):
    """The resident memory of each process, with those that it has started, at a moment."""

    at_s: float
    memory_bytes: dict[str, int]


def draw(
    path: Path, latencies_s: Sequence[tuple[float, float]], samples: Sequence[Sample], faults_s: Sequence[float]
) -> None:
    """Writes both panels as SVG. Times are those of one clock; latencies stand at the time of their request."""
    start_s = min(sent_s for sent_s, _ in latencies_s)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 4.5), layout="constrained")
        latency, memory = figure.subplots(2, 1, sharex=True)
        _draw_latency(latency, latencies_s, start_s)
        _draw_memory(memory, samples, start_s)
        for axes in (latency, memory):
            for fault_s in faults_s:
                axes.axvline((fault_s - start_s) / 60, color=INK, linewidth=0.5, linestyle=":")
        memory.set_xlabel("minutes; a dotted line is a fault")
        save(figure, path)


def _draw_latency(axes: Axes, latencies_s: Sequence[tuple[float, float]], start_s: float) -> None:
    bins: defaultdict[int, list[float]] = defaultdict(list)
    for sent_s, latency_s in latencies_s:
        bins[int((sent_s - start_s) / BIN_S)].append(latency_s * 1000)
    minutes, p50_ms, p99_ms = [], [], []
    for number, values in sorted(bins.items()):
        if len(values) > 1:
            cuts = quantiles(values, n=100, method="inclusive")
            minutes.append(number * BIN_S / 60)
            p50_ms.append(cuts[49])
            p99_ms.append(cuts[98])
    axes.plot(minutes, p99_ms, color=ACCENT, linewidth=1, label="p99")
    axes.plot(minutes, p50_ms, color=OTHERS, linewidth=1, label="p50")
    axes.set_yscale("log")
    axes.set_title("latency, ms (log)", fontsize=9)
    axes.legend(frameon=False, fontsize=8)


def _draw_memory(axes: Axes, samples: Sequence[Sample], start_s: float) -> None:
    minutes = [(sample.at_s - start_s) / 60 for sample in samples]
    for name in samples[0].memory_bytes:
        values = [sample.memory_bytes[name] / 1e6 for sample in samples]
        axes.plot(minutes, values, linewidth=1, label=name)
    axes.set_ylim(bottom=0)
    axes.set_title("memory, MB", fontsize=9)
    axes.legend(frameon=False, fontsize=8, ncols=3)
