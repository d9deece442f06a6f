"""The table on the terminal and `results.json`: medians, and how the systems compare."""

import json
import os
import platform
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.measure import Figures, Load, medians
from bench.provenance import provenance

#: The system that the ratios are of.
SUBJECT = "callboard"


@dataclass(frozen=True)
class Column:
    """A column of the table: its heading, the figure it shows and with how many decimals."""

    heading: str
    figure: str
    decimals: int


COLUMNS = (
    Column("burst /s", "burst_per_s", 0),
    Column("idle p50 ms", "idle_p50_ms", 2),
    Column("p95 ms", "idle_p95_ms", 2),
    Column("p99 ms", "idle_p99_ms", 2),
    Column("sequential p50 ms", "sequential_p50_ms", 2),
    Column("CPU s/1000", "cpu_s_per_1000", 3),
    Column("commands/task", "commands_per_task", 2),
    Column("peak MB", "peak_memory_mb", 0),
    Column("idle commands/s", "idle_commands_per_s", 1),
    Column("idle CPU %", "idle_cpu_percent", 2),
)


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table, aligned so that it also reads well on a terminal; the first column to the left."""
    lines = [list(headings), *(list(row) for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    return "\n".join(
        "| " + " | ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) + " |" for line in lines
    )


def figures_table(results: dict[str, list[Figures]]) -> str:
    """The medians of every system."""
    rows = []
    for name, runs in results.items():
        figures = medians(runs)
        rows.append([name, *(f"{getattr(figures, column.figure):,.{column.decimals}f}" for column in COLUMNS)])
    return table(["median of runs", *(column.heading for column in COLUMNS)], rows)


def ratios_table(results: dict[str, list[Figures]]) -> str:
    """Callboard's figures as multiples of each other system's: over 1 is better for the burst, under 1 for the rest."""
    subject = medians(results[SUBJECT])
    rows = []
    for name, runs in results.items():
        if name != SUBJECT:
            other = medians(runs)
            ratios = (_ratio(getattr(subject, c.figure), getattr(other, c.figure)) for c in COLUMNS)
            rows.append([f"{SUBJECT} / {name}", *ratios])
    return table(["ratio of medians", *(column.heading for column in COLUMNS)], rows)


def _ratio(figure: float, other: float) -> str:
    return f"{figure / other:.2f}x" if other else "-"


def save(path: Path, results: dict[str, list[Figures]], load: Load) -> None:
    """Writes every run and the medians, with the machine and the load they were measured under, as JSON."""
    content = {
        **provenance(),
        "command": " ".join(["python", "-m", "bench", *sys.argv[1:]]),
        "machine": {"system": platform.platform(), "cores": os.cpu_count(), "python": platform.python_version()},
        "load": asdict(load),
        "systems": {
            name: {"median": asdict(medians(runs)), "runs": [asdict(run) for run in runs]}
            for name, runs in results.items()
        },
    }
    path.write_text(json.dumps(content, indent=2) + "\n")
