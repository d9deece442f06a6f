"""Dockerfile, .dockerignore and compose.yaml fit what they run. No test here has a Docker to try them with."""

import importlib.util
import re
import tomllib
from fnmatch import fnmatchcase
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from settings import Settings
from tests.pages import PROJECT

DOCKERFILE = (PROJECT / "Dockerfile").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((PROJECT / "compose.yaml").read_text())["services"]
OWN = {name: service for name, service in SERVICES.items() if service["command"][0] == "python"}
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
MODULES = [*PYPROJECT["tool"]["setuptools"]["packages"], *PYPROJECT["tool"]["setuptools"]["py-modules"]]
LEFT_OUT = [line for line in (PROJECT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]


def test_the_python_of_the_image_is_one_that_callboard_accepts() -> None:
    version = re.search(r"^ARG PYTHON=(.+)$", DOCKERFILE, re.MULTILINE)
    assert version
    assert version[1] in SpecifierSet(PYPROJECT["project"]["requires-python"])


@pytest.mark.parametrize("module", MODULES)
def test_everything_that_runs_is_in_the_image(module: str) -> None:
    folder = module.partition(".")[0]
    assert not any(fnmatchcase(name, pattern) for name in (folder, f"{folder}.py") for pattern in LEFT_OUT)


@pytest.mark.parametrize("service", OWN)
def test_a_service_runs_a_module_that_is_there(service: str) -> None:
    python, option, module = OWN[service]["command"]
    assert (python, option) == ("python", "-m")
    assert importlib.util.find_spec(module)


@pytest.mark.parametrize("service", OWN)
def test_a_service_is_granted_the_time_that_it_may_take_to_stop(service: str) -> None:
    grace = OWN[service]["stop_grace_period"]
    assert int(grace.removesuffix("s")) * 1000 > Settings().worker.shutdown_timeout_ms


@pytest.mark.parametrize("service", OWN)
def test_a_service_is_asked_for_its_own_health(service: str) -> None:
    assert OWN[service]["healthcheck"]["test"] == ["CMD", "callboard", "health", service]


def test_redis_keeps_what_it_was_given() -> None:
    command = SERVICES["redis"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_redis_is_reachable_from_this_machine_alone() -> None:
    assert SERVICES["redis"]["ports"] == ["127.0.0.1:6379:6379"]
