"""`callboard web` as an operator runs it."""

import signal
from pathlib import Path

import pytest

from client.redis_server import RedisServer
from tests.command_line import callboard
from tests.system import System
from tests.web_page import WebPage, link_of


def test_a_token_of_ones_own_is_not_printed(own: System) -> None:
    token = "a-token-of-one's-own"  # noqa: S105
    own.start("web", CALLBOARD_WEB_TOKEN=token)
    assert "#" not in link_of(own)
    with WebPage(own, token=token) as page, WebPage(own, token="") as stranger:
        assert page.get("/api/dead-letters").status_code == 200
        assert stranger.get("/api/dead-letters").status_code == 401
    assert token not in own.log("web")


def test_a_token_that_could_be_guessed_is_refused_and_not_repeated(own: System) -> None:
    ended = callboard(own, "web", CALLBOARD_WEB_TOKEN="hunter2")  # noqa: S106
    assert ended.returncode == 1
    assert "web.token (from CALLBOARD_WEB_TOKEN) is '***': Input should be 16 to 200" in ended.stderr
    assert "hunter2" not in ended.stderr


def test_without_a_token_of_ones_own_each_start_makes_another_one(own: System) -> None:
    own.start("web")
    first = link_of(own)
    own.stop("web")
    own.start("web", as_="again")
    assert first.partition("#")[2] not in own.log("again")


def test_it_stops_while_pages_listen(own: System) -> None:
    own.start("web")
    with WebPage(own) as page, page.stream("/api/live") as events:
        next(events)
        assert own.stop("web", by=signal.SIGINT) == 0


def test_while_nobody_takes_requests_in_it_says_so(own: System) -> None:
    own.start("web")
    with WebPage(own) as page:
        assert len(page.frame_where(lambda frame: frame["status"])["problems"]) == 2
        answer = page.get("/api/tasks")
    # A cluster does not tell whether anybody listens.
    assert answer.status_code in {503, 504}
    assert answer.json()["error"].startswith(("nobody listens", "no outcome"))


def test_a_redis_that_goes_away_is_a_problem_on_the_page_until_it_is_back(project: Path) -> None:
    with RedisServer() as server, System(project, server.url) as system:
        system.start("web")
        with WebPage(system) as page:
            page.frame_where(lambda frame: frame["status"])
            server.stop()
            assert page.get("/api/dead-letters").status_code == 503
            page.frame_where(lambda frame: frame["problems"][0].startswith("Redis at "))
            server.start()
            page.frame_where(lambda frame: frame["status"] and frame["problems"][0].startswith("no ingress"))


@pytest.mark.parametrize("name", ["callboard.example.org:80", "[fd00::1]:80", "fd00::1"])
def test_a_name_that_no_browser_could_ask_for_is_refused(own: System, name: str) -> None:
    ended = callboard(own, "web", "--port", "0", "--name", name)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"--name is {name!r} and should have no port" in ended.stderr


def test_a_port_that_is_taken_is_one_line(own: System) -> None:
    own.start("web")
    port = link_of(own).partition("#")[0].rstrip("/").rpartition(":")[2]
    ended = callboard(own, "web", "--port", port)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"cannot listen at 127.0.0.1, port {port}: Address already in use" in ended.stderr
