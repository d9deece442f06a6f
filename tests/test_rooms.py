"""One way through the rooms: a module imports only what stands above it in README.md, "Where things are"."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages import PROJECT

README = (PROJECT / "README.md").read_text()
TABLE = README.partition("## Where things are")[2]
ROOMS = [name.removesuffix("/").removesuffix(".py") for name in re.findall(r"`(\w+(?:\.py|/))`", TABLE)]

#: These two measure and test the others, and each other.
OUTSIDE = {"bench", "tests"}

FILES = [
    path.relative_to(PROJECT)
    for room in ROOMS
    if room not in OUTSIDE
    for path in [PROJECT / f"{room}.py", *sorted((PROJECT / room).rglob("*.py"))]
    if path.exists()
]


def room_of(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[str]:
    """The rooms, or packages, that are imported anywhere in there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).partition(".")[0]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_module_imports_only_what_stands_above_it(path: Path) -> None:
    own = room_of(path)
    below = set(ROOMS[ROOMS.index(own) + 1 :])
    assert below & set(imports(ast.parse((PROJECT / path).read_text()))) == set()


@pytest.mark.parametrize("path", FILES, ids=str)
def test_no_function_imports(path: Path) -> None:
    functions = (node for node in ast.walk(ast.parse((PROJECT / path).read_text())) if _is_function(node))
    assert [name for function in functions for name in imports(function)] == []


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def test_every_module_is_in_a_room() -> None:
    there = {path.stem for path in PROJECT.glob("*.py")} | {path.parent.name for path in PROJECT.glob("*/__init__.py")}
    assert there == set(ROOMS)


#: The rooms whose map is to name every file: what is in the others is named after its subject.
MAPPED = ("contract", "transport", "ingress", "worker", "monitoring")


@pytest.mark.parametrize("room", MAPPED)
def test_the_map_of_a_room_names_its_files(room: str) -> None:
    text = ast.get_docstring(ast.parse((PROJECT / room / "__init__.py").read_text())) or ""
    files = {path.stem for path in (PROJECT / room).glob("*.py")} - {"__init__", "__main__"}
    assert files - set(re.findall(r"`(\w+)`", text)) == set()
