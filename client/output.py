"""How a command shows what it found: for people in a table, for another program in lines with tabs, or as JSON."""

import errno
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer
from pydantic_core import PydanticSerializationError, to_json
from rich.console import Console
from rich.table import Table
from rich.text import Text

from errors import CallboardError
from logs import one_line

#: The option of every command that answers a question.
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON document, for programs.")]

#: How writing fails where there is no room, or nobody who reads.
LOST_OUTPUT = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE}


def escape_what_cannot_be_written() -> None:
    """From now on what the encoding of standard output does not have is written as Python escapes it, as on standard
    error, and not the end of the command."""
    if sys.stdout is None:  # closed by whoever has started the command, who wants none of it
        sys.stdout = io.TextIOWrapper(io.FileIO(os.devnull, "w"))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


@contextmanager
def output_that_may_be_lost() -> Iterator[None]:
    """What standard output does not take in the context, as on a full disk, ends it with an error of Callboard's own.

    Raises:
        CallboardError: then. Nothing is written from then on.
    """
    try:
        try:
            yield
        finally:
            # What Python has held back would fail when there is nobody any more to say so.
            if sys.stdout:
                sys.stdout.flush()
    except OSError as error:
        if error.errno not in LOST_OUTPUT or error.filename is not None:  # of another file
            raise
        # So that it does not fail again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CallboardError(f"standard output does not take what is written to it: {error.strerror}") from None


def show_json(value: object, indent: int | None = 2) -> None:
    """Writes one JSON document on standard output; on one line when `indent` is None."""
    print(json_text(value, indent), flush=True)


def strict_json(value: object, indent: int | None = None, *, ensure_ascii: bool = False) -> bytes:
    """`value` as JSON that everybody reads, also where a dead letter holds what Dramatiq's own encoder lets pass: NaN,
    which becomes a string, so that one sees what was sent, and half of a surrogate pair, which stays escaped."""
    try:
        return to_json(value, indent=indent, inf_nan_mode="strings", ensure_ascii=ensure_ascii)
    except PydanticSerializationError:
        return json.dumps(json.loads(json.dumps(value), parse_constant=str), indent=indent).encode()


def json_text(value: object, indent: int | None = 2) -> str:
    """`value` as JSON in which nothing steers a terminal: what is not printable, or not in the encoding of standard
    output, is written as JSON escapes it."""
    text = strict_json(value, indent).decode()
    if not _can_be_written(text):
        text = strict_json(value, indent, ensure_ascii=True).decode()
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\n" else json.dumps(character)[1:-1] for character in text
    )


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str | None = None) -> None:
    """Writes a table; where standard output is no terminal, a line for each row, with tabs and without a title.

    What is shown may come from outside: nothing in it can end a line or steer a terminal.
    """
    cells = [["" if value is None else one_line(str(value)) for value in row] for row in rows]
    if not sys.stdout.isatty():
        for line in [list(columns), *cells]:
            print("\t".join(line))
        return
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        # What the first column has is copied into the next command: the others give way to it.
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    for line in cells:
        table.add_row(*map(Text, line))
    Console().print(table)


def show_fields(fields: dict[str, object]) -> None:
    """Writes a name and a value on each line; a value of several lines follows indented. None is left out."""
    width = max(map(len, fields)) + 2
    for name, value in fields.items():
        if value is None:
            continue
        first, *others = str(value).splitlines() or [""]
        print(f"{name:<{width}}{one_line(first)}")
        for line in others:
            print(" " * width + one_line(line))


def moment(unix_ms: float) -> str:
    """A time in Redis, in ISO 8601 with offset."""
    return datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _can_be_written(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return False
    return True
