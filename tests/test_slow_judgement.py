"""A request whose parameters take longer to judge than the lease of an ingress lasts."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.redis_server import RedisServer
from ingress.lease import LEASE_S
from ingress.verdicts import KEPT_S, Verdicts
from tests.system import System, copy_project
from tests.wire import Wire
from transport.arrivals import Later

SLOW_TASK = f"""
import time
from typing import Annotated
from pydantic import AfterValidator, BaseModel
from task import task

class Nothing(BaseModel): ...

def _think(text: str) -> str:
    time.sleep({LEASE_S + 0.3})
    return text

@task()
def is_judged_slowly(text: Annotated[str, AfterValidator(_think)]) -> Nothing:
    return Nothing()
"""

SLOW = {"task_type": "is_judged_slowly", "parameters": {"text": "abc"}}
QUICK = {"task_type": "reverse_string", "user_id": "quick", "parameters": {"text": "abc"}}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("project"), {"slow.py": SLOW_TASK})


@pytest.fixture
def own(project: Path) -> Iterator[System]:
    with RedisServer() as server, System(project, server.url) as system:
        yield system


@pytest.mark.parametrize("ingresses", [1, 2])
def test_it_and_those_behind_it_are_performed_once(own: System, ingresses: int) -> None:
    for number in range(ingresses):
        own.start("ingress", as_=f"ingress-{number}")
    own.start("worker")
    with Wire(own.redis_url) as wire:
        wire.publish(SLOW | {"user_id": "refused", "parameters": {}})
        # Two that are alike, byte for byte, and both to be performed.
        for _ in range(2):
            wire.publish(SLOW | {"user_id": "slow"})
        wire.publish(QUICK)
        statuses = [
            (user_id, wire.outcome_of(user_id, 60)["status"]) for user_id in ("quick", "slow", "slow", "refused")
        ]
        assert Counter(statuses) == {("quick", "completed"): 1, ("slow", "completed"): 2, ("refused", "error"): 1}
        wire.ask("reverse_string", {"text": "and no more outcomes come"})
        assert wire.heard == []


def test_a_verdict_is_found_once_and_not_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0
    monkeypatch.setattr("ingress.verdicts.time.monotonic", lambda: now_s)
    verdicts, first, second = Verdicts(), Later((b"first",)), Later((b"second",))
    verdicts.note(b"alike", first)
    verdicts.note(b"alike", second)
    assert verdicts.find(b"alike") is None
    verdicts.keep()
    verdicts.forget()
    assert {verdicts.find(b"alike"), verdicts.find(b"alike")} == {first, second}
    assert verdicts.find(b"alike") is None
    verdicts.note(b"alike", first)
    verdicts.keep()
    now_s = KEPT_S + 1
    assert verdicts.find(b"alike") is None
