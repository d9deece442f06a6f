"""`python -m tests.faults`: injects faults under load, counts every request, and prints the table of what was seen.

Ends with 1 when a request was lost, answered twice or answered wrongly, or something else was found.
"""

import argparse
import dataclasses
import sys
import time

from tests.faults.catalogue import ROWS
from tests.faults.extent import FULL, QUICK, Extent
from tests.faults.report import save, table
from tests.faults.row import Row, UnavailableError


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="only these rows; all by default")
    parser.add_argument("--list", action="store_true", help="print the names of all rows, and nothing else")
    parser.add_argument("--quick", action="store_true", help="a few seconds a row, and nothing is written")
    parser.add_argument("--patience", type=float, metavar="S", help="how long nothing may change before it is lost")
    options = parser.parse_args()
    if unknown := set(options.rows) - ROWS.keys():
        parser.error(f"no such row: {', '.join(sorted(unknown))}; --list tells them all")
    return options


def main() -> int:
    """Returns the exit code."""
    options = arguments()
    if options.list:
        for name, experiment in ROWS.items():
            print(f"{name:34} {(experiment.__doc__ or '').splitlines()[0]}")
        return 0
    extent = QUICK if options.quick else FULL
    if options.patience is not None:
        extent = dataclasses.replace(extent, patience_s=options.patience)
    rows: dict[str, Row] = {}
    for name in options.rows or ROWS:
        if row := _run(name, extent):
            rows[name] = row
            if not options.quick:
                save({name: row})
    print(table([row.figures() for row in rows.values()]))
    return 0 if all(row.is_clean for row in rows.values()) else 1


def _run(name: str, extent: Extent) -> Row | None:
    began_s = time.monotonic()
    try:
        row = ROWS[name](extent)
    except UnavailableError as error:
        print(f"{name}: not run, {error}", file=sys.stderr)
        return None
    print(f"{name}, {time.monotonic() - began_s:.0f} s: {row.figures()}", file=sys.stderr, flush=True)
    return row


if __name__ == "__main__":
    sys.exit(main())
