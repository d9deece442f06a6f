"""`requirements.lock`: what a deployment installs, each package in one version with its hashes."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

PROJECT = Path(__file__).parents[1]
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
#: The extras of a deployment: without `web` the page's container of compose.yaml ends at once, without `metrics` no
#: container can be scraped.
EXTRAS = ("metrics", "tracing", "web")
DEPENDENCIES = [
    *DECLARED["dependencies"],
    *(dependency for extra in EXTRAS for dependency in DECLARED["optional-dependencies"][extra]),
]
LOCK = (PROJECT / "requirements.lock").read_text()


@pytest.mark.parametrize("dependency", DEPENDENCIES)
def test_a_dependency_is_locked_to_a_version_that_the_project_accepts(dependency: str) -> None:
    accepted = Requirement(dependency)
    locked = re.search(rf"^{accepted.name}==([^ ]+)", LOCK, re.MULTILINE)
    assert locked, "run `make lock`"
    assert locked[1] in accepted.specifier, "run `make lock`"


def test_every_locked_package_has_hashes() -> None:
    packages = re.split(r"^(?=[a-z])", LOCK, flags=re.MULTILINE)[1:]
    assert len(packages) > len(DEPENDENCIES)
    assert [package for package in packages if "--hash=sha256:" not in package] == []


def test_the_lock_says_nothing_of_where_packages_come_from() -> None:
    assert "://" not in LOCK
    assert "--index-url" not in LOCK
    assert "--find-links" not in LOCK
