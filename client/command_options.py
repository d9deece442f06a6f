"""Options that several commands have."""

import getpass
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from client.assignments import read_user_id
from client.catalogue import complete_task
from client.errors import TaskError, UsageError

TaskType = Annotated[str, typer.Argument(metavar="TASK", help="Its name.", autocompletion=complete_task)]
Assignments = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Its parameters; with NAME:=VALUE it is JSON.")
]
TimeoutS = Annotated[float, typer.Option("--timeout", min=0, help="Wait for so many seconds.")]
UserId = Annotated[
    str | None,
    typer.Option("--user-id", metavar="ID", help="Whose request it is; by default that of the user who types this."),
]


def user_id_or_own(text: str | None) -> str | int:
    """The user id that was typed, or the name of the user at this machine."""
    user_id = read_user_id(text)
    if user_id is not None:
        return user_id
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # in a container that has no names for users
        return "callboard"


def user_id_again(text: str | None) -> str:
    """The option as it was typed, for a command that is to be typed next; nothing where it was not."""
    return "" if text is None else f" --user-id {shlex.quote(text)}"


@contextmanager
def refused_as_typed() -> Iterator[None]:
    """What is sent meanwhile may be refused by the client itself, before it is sent: then it was typed wrongly.

    Raises:
        UsageError: with the sentence of the refusal.
    """
    try:
        yield
    except TaskError as error:
        raise UsageError(str(error)) from None
