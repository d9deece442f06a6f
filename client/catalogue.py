"""The tasks of a running Callboard, as it tells them itself."""

import difflib
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from client.assignments import guessed, read_assignments
from client.callboard_client import CallboardClient, Caller
from client.errors import NoOutcomeError, UsageError
from contract import TaskDescription
from errors import CallboardError
from logs import one_line

#: What a running Callboard answers with its tasks.
LIST_TASKS = "callboard.tasks"

#: How long a command waits for the tasks before it does without them, in seconds.
PATIENCE_S = 1.0


def read_tasks(caller: Caller) -> list[TaskDescription]:
    """All tasks, by name. Who does not wait for them any more leaves no request behind in a queue.

    Raises:
        CallboardError: as `Caller.call` does.
    """
    request = caller.send(LIST_TASKS)
    try:
        found = request.result()["tasks"]
    except (NoOutcomeError, KeyboardInterrupt):
        # Instead of a max_age_ms: what expires is kept among the dead letters, where nobody would know it.
        with suppress(CallboardError):
            request.cancel()
        raise
    return [TaskDescription.model_validate(task) for task in found]


def complete_task(incomplete: str) -> list[str]:
    """The names that the shell completes to; none when Redis, or a worker, does not answer quickly."""
    with suppress(Exception), CallboardClient.from_settings() as callboard:
        return [task.name for task in _tasks_if_told(callboard) if task.name.startswith(incomplete)]
    return []


def read_parameters(caller: Caller, task_type: str, words: Sequence[str]) -> dict[str, Any]:
    """The parameters that were typed for a task, after a look at what it takes, where a running system tells that.
    Where it does not, and a value could be meant as a string, standard error says how it was read.

    Raises:
        UsageError: when there is no such task or parameter, or a word is no assignment.
    """
    tasks = _tasks_if_told(caller)
    schema = _schema_of(task_type, tasks)
    parameters = read_assignments(words, schema)
    _check_names(parameters, schema)
    if not tasks and (names := guessed(words, parameters)):
        print(f"callboard: {one_line(_unsure(task_type, names))}", file=sys.stderr)
    return parameters


def hint(name: str, known: Iterable[str]) -> str:
    """What to say after the complaint that there is nothing of this name: the nearest one, or else all."""
    known = list(known)
    nearest = difflib.get_close_matches(name, known, n=1)
    if nearest:
        return f"; did you mean {nearest[0]!r}?"
    return f"; there is {', '.join(map(repr, known))}" if known else "; it has none"


def _tasks_if_told(caller: Caller) -> list[TaskDescription]:
    """All tasks; none where nobody answers within `PATIENCE_S`."""
    with suppress(CallboardError):
        return read_tasks(caller.with_options(timeout_s=PATIENCE_S))
    return []


def _schema_of(task_type: str, tasks: list[TaskDescription]) -> dict[str, Any]:
    """The schema of a task's parameters; empty where the tasks are not known.

    Raises:
        UsageError: when there are tasks, and none of this name.
    """
    named = {task.name: task for task in tasks}
    if tasks and task_type not in named:
        raise UsageError(f"there is no task {task_type!r}{hint(task_type, named)}")
    return named[task_type].parameters if tasks else {}


def _unsure(task_type: str, names: Sequence[str]) -> str:
    return (
        f"nobody tells what {task_type!r} takes, so what can be read as JSON is sent as JSON ({', '.join(names)}): "
        f"for a string write '{names[0]}=\"...\"', for JSON {names[0]}:=..."
    )


def _check_names(parameters: Iterable[str], schema: dict[str, Any]) -> None:
    """Callboard ignores a parameter that it does not know: one that is typed is a mistake.

    Raises:
        UsageError: when the task has no such parameter.
    """
    # A schema that takes more says so.
    if not schema or schema.get("additionalProperties"):
        return
    known = schema.get("properties", {})
    for name in parameters:
        if name not in known:
            raise UsageError(f"the task has no parameter {name!r}{hint(name, known)}")
