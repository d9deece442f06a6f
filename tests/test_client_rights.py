"""The clients with the rights of Redis users that may do nothing else: `deploy/redis-users.conf`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from client import CallboardClient, NobodyListensError, NoOutcomeError, RedisAwayError
from tests.acl_server import AclServer, denials, url_of
from tests.system import System


@pytest.fixture(scope="module")
def server() -> Iterator[AclServer]:
    with AclServer() as server:
        yield server


@pytest.fixture(scope="module")
def system(project: Path, server: AclServer) -> Iterator[System]:
    with System(project, server.url) as system:
        system.start("ingress")
        system.start("worker")
        yield system


def test_who_may_only_publish_and_subscribe_is_told_that_nobody_listens() -> None:
    with (
        AclServer() as server,
        CallboardClient(url_of(server.url, "client")) as callboard,
        pytest.raises(NobodyListensError),
    ):
        callboard.call("reverse_string", text="abc")


def test_who_may_only_publish_and_subscribe_calls_watches_and_cancels(system: System, server: AclServer) -> None:
    with CallboardClient(url_of(server.url, "client"), events=True) as callboard:
        assert callboard.call("reverse_string", text="abc") == {"reversed_text": "cba"}
        request = callboard.with_options(delay_ms=60_000).send("reverse_string", text="abc")
        request.cancel()
        assert [event.event for event in request.events()] == ["accepted", "cancelled"]
    assert denials(server.url) == set()


def test_who_may_not_read_outcomes_waits_for_those_that_are_heard(
    system: System, server: AclServer, tmp_path: Path
) -> None:
    go_on = tmp_path / "go on"
    with CallboardClient(url_of(server.url, "client")) as callboard:
        request = callboard.send("waits_for", file=str(go_on))
        with pytest.raises(NoOutcomeError):
            request.result(timeout_s=0.1)
        go_on.touch()
        assert request.result() == {"text": "there it is"}


def test_who_may_not_use_the_stream_is_told(system: System, server: AclServer) -> None:
    error = pytest.raises(RedisAwayError, match="no permissions")
    with CallboardClient(url_of(server.url, "client"), durable=True) as callboard, error:
        callboard.call("reverse_string", text="abc")


def test_a_trusted_client_uses_the_stream_and_reads_what_is_kept(system: System, server: AclServer) -> None:
    url = url_of(server.url, "backend")
    with CallboardClient(url, durable=True, listen_on="results:nothing-comes-here") as callboard:
        assert callboard.call("reverse_string", text="abc") == {"reversed_text": "cba"}
