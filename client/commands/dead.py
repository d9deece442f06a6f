"""`callboard dead`: the messages that ended without success, why, and what to do about them."""

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from client.application import app
from client.errors import UsageError
from client.letters import dead_letters, everything, find, find_to_retry, none_of, summary
from client.output import AsJson, json_text, show_fields, show_json, show_table
from logs import one_line
from transport.dead_letters import DeadLetter, DeadLetters

dead = typer.Typer(help="Dead letters: tasks that ended without success, kept for a week.", no_args_is_help=True)
app.add_typer(dead, name="dead")

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="As `list` shows them: mostly task ids.")]
TaskType = Annotated[str | None, typer.Option("--task", help="Only those of this task type.")]
Queue = Annotated[str | None, typer.Option("--queue", help="Only this queue's, be it one that no task here declares.")]
All = Annotated[bool, typer.Option("--all", help="All of them, or with --task all of that task.")]


@dead.command("list")
def list_(
    task: TaskType = None,
    queue: Queue = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Show at most so many.")] = 50,
    skip: Annotated[int, typer.Option(min=0, help="Leave out the first so many: the next page.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show the dead letters, the newest first."""
    letters = dead_letters(queue)
    total, shown = letters.count(task), letters.newest(limit, skipped=skip, task_type=task)
    _warn_of_none(letters, task, total)
    if as_json:
        show_json({"total": total, "letters": [summary(letter) for letter in shown]})
        return
    columns = ["id", "task_type", "user_id", "died_at", "attempts", "error_code", "error"]
    rows = [[summary(letter)[column] for column in columns] for letter in shown]
    show_table(columns, rows, title=f"{len(shown)} of {total} dead letters")


@dead.command()
def show(
    letter_id: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
    queue: Queue = None,
    as_json: AsJson = False,
) -> None:
    """Show everything of one dead letter: parameters, attempts, the reason with its traceback."""
    fields = everything(find(dead_letters(queue), letter_id))
    if as_json:
        show_json(fields)
    else:
        # As they were sent, not as Python writes them.
        sent = {name: json_text(fields[name]) for name in ("parameters", "arguments") if fields.get(name) is not None}
        show_fields(fields | sent)


@dead.command()
def retry(
    ids: Ids = None, task: TaskType = None, queue: Queue = None, every: All = False, as_json: AsJson = False
) -> None:
    """Send dead letters back to their queue, to be tried as if for the first time.

    Their earlier outcome is forgotten at that moment; the new one is published and kept like any other.
    """
    letters = dead_letters(queue)
    if every:
        count = letters.retry(_chosen(letters, ids, task))
        _warn_of_none(letters, task, count)
        _tell(count, "retried", as_json)
        return
    found = [find_to_retry(letters, letter_id) for letter_id in _named(ids, task)]
    _tell(letters.retry(found), "retried", as_json)


@dead.command()
def purge(
    ids: Ids = None,
    task: TaskType = None,
    queue: Queue = None,
    every: All = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove dead letters for good. Asks first."""
    letters = dead_letters(queue)
    chosen: Iterable[DeadLetter]
    if every:
        chosen, what = _chosen(letters, ids, task), f"all dead letters of {task!r}" if task else "all dead letters"
    else:
        chosen = [find(letters, letter_id) for letter_id in _named(ids, task)]
        what = f"{len(chosen)} dead letters"
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"to remove {what} for good without being asked, add --yes")
        _confirm(f"Remove {what} for good?")
    count = letters.purge(chosen)
    _warn_of_none(letters, task, count)
    _tell(count, "purged", as_json)


def _confirm(question: str) -> None:
    """Ends the command unless the answer is yes. Typer's own question takes Ctrl-C for a no, whose exit code is another
    one, and is asked where the answer to the command goes."""
    print(f"{question} [y/N]: ", end="", file=sys.stderr, flush=True)
    if input().strip().lower() not in {"y", "yes"}:
        raise typer.Abort


def _named(ids: list[str] | None, task_type: str | None) -> list[str]:
    if not ids or task_type:
        raise UsageError("which ones? Name their ids, or add --all, with --task NAME for those of one task only")
    return ids


def _chosen(letters: DeadLetters, ids: list[str] | None, task_type: str | None) -> Iterable[DeadLetter]:
    if ids:
        raise UsageError("either name ids or say --all, not both")
    return letters.each(task_type)


def _warn_of_none(letters: DeadLetters, task_type: str | None, count: int) -> None:
    if task_type and not count:
        print(f"callboard: {one_line(none_of(letters, task_type))}", file=sys.stderr)


def _tell(count: int, done: str, as_json: bool) -> None:
    if as_json:
        show_json({done: count})
    else:
        print(f"{count} {done}")
