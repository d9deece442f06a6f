"""A copy of the project with any number of task types: what it costs to have many."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.driver import Workload
from bench.systems import REPOSITORY, System, callboard

NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "bench", "tests")

TASK_FILE = """\
from pydantic import BaseModel

from task import task


class Reversed(BaseModel):
    reversed_text: str


@task(name="{name}")
def {name}(text: str) -> Reversed:
    return Reversed(reversed_text=text[::-1])
"""


@contextmanager
def callboard_with(types: int) -> Iterator[tuple[System, Workload]]:
    """Callboard with that many task types beside its own, and a workload that asks for each of them in turn."""
    names = tuple(f"reverse_{number}" for number in range(types))
    with tempfile.TemporaryDirectory(prefix="callboard-bench-") as parent:
        folder = Path(parent) / "project"
        shutil.copytree(REPOSITORY, folder, ignore=NOT_COPIED)
        for name in names:
            (folder / "actors" / f"{name}.py").write_text(TASK_FILE.format(name=name))
        yield callboard(folder=folder), Workload(task_types=names)
