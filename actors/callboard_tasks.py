"""The catalogue of tasks, for a client that has no file of them."""

from pydantic import BaseModel

from contract import TaskDescription
from task import catalogue, task


class TaskList(BaseModel):
    """The tasks by name."""

    tasks: list[TaskDescription]


@task(name="callboard.tasks")
def list_tasks() -> TaskList:
    """Tells which tasks there are, with the JSON schemas of their parameters and results, as the answering worker knows
    them."""
    return TaskList(tasks=[catalogue[name].description for name in sorted(catalogue)])
