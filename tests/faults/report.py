"""The table, for the terminal and for docs/reliability.md, and results.json, which it is made from."""

import json
from pathlib import Path
from typing import Any

from bench.provenance import provenance
from tests.faults.row import Row

RESULTS = Path(__file__).parent / "results.json"
PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"

#: The table stands between these in the page.
BEGIN, END = "<!-- begin of the table -->\n", "<!-- end of the table -->\n"

COLUMNS = {
    "fault": "fault",
    "injected": "times",
    "sent": "requests",
    "answered": "answered",
    "lost": "lost",
    "answered_twice": "answered twice",
    "ran_twice": "ran twice",
    "unheard": "unheard",
    "longest_gap_s": "longest gap, s",
    "recovery_s": "recovery, s",
}


def save(rows: dict[str, Row]) -> None:
    """Puts these rows in the place of those of the same names in results.json, and their table into the page."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results |= {name: {**row.figures(), **provenance()} for name, row in rows.items()}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + table(list(results.values())) + END + after)


def table(results: list[dict[str, Any]]) -> str:
    """The rows as Markdown, and below them what else was found and measured."""
    lines = [list(COLUMNS.values()), ["---", *["---:"] * (len(COLUMNS) - 1)]]
    lines += [[shown(figures[key]) for key in COLUMNS] for figures in results]
    rows = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    remarks = [(figures["fault"], text) for figures in results for text in (*figures["findings"], *figures["notes"])]
    below = "".join(f"- {fault}: {text}\n" for fault, text in remarks)
    return f"{rows}\n{below}" if below else rows


def shown(value: object) -> str:
    """A figure as the tables have it."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int | float) else str(value)
