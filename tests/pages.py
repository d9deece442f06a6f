"""The pages that people read, and what stands in them."""

import re
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).parents[1]
DOCS = PROJECT / "docs"

FENCE = re.compile(r'^```(\w+)(?: title="([^"]*)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """A fenced block of code: its language, the title above it (a file's path, for instance), and the code."""

    language: str
    title: str
    code: str


def examples(page: str) -> list[Example]:
    """The blocks of code of a page in `docs/`, from top to bottom."""
    return [Example(*parts) for parts in FENCE.findall((DOCS / page).read_text())]


def table_rows(page: str) -> list[list[str]]:
    """The cells of every table of a page, without headings."""
    lines = [line for line in (DOCS / page).read_text().splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    rules = [number for number, line in enumerate(lines) if set(line) <= set("|-: ")]
    headings = {number - 1 for number in rules}
    return [row for number, row in enumerate(rows) if number not in headings | set(rules)]
