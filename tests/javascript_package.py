"""The JavaScript in this project, installed with npm beside the tree and run with the machine's Node."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]

#: Kept from one run to the next; `make clean` removes it.
INSTALLED = PROJECT / "build" / "javascript"

#: npm by itself would try again for minutes where its registry is out of reach.
INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0", "--fetch-timeout=20000")

#: Less than a test may take.
INSTALL_TIMEOUT_S = 50


def installed(folder: str) -> Path:
    """A copy of a folder of this project, with the packages of its lock file.

    Skips the test where there is no Node, or the packages are out of reach; in CI the latter fails it.
    """
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("no Node and npm on this machine")
    copy = INSTALLED / folder.replace("/", "-")
    lock = (PROJECT / folder / "package-lock.json").read_text()
    is_current = (copy / "installed").exists() and (copy / "installed").read_text() == lock
    shutil.copytree(PROJECT / folder, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    if not is_current:
        _install(copy)
        (copy / "installed").write_text(lock)
    return copy


def _install(folder: Path) -> None:
    try:
        made = subprocess.run(
            INSTALL, cwd=folder, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
        )
        problem = made.stderr if made.returncode else ""
    except subprocess.TimeoutExpired as error:
        problem = str(error)
    if problem:
        reason = f"npm cannot install the packages of {folder.name}: {problem}"
        if "CI" in os.environ:
            pytest.fail(reason)
        pytest.skip(reason)


def run_node(*arguments: str, cwd: Path, given: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """What became of a program that is expected to end by itself; `given` is its standard input."""
    return subprocess.run(
        ["node", *arguments],
        cwd=cwd,
        input=given,
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
        env=os.environ | variables,
    )
