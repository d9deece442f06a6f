"""What `callboard web` serves, and to whom; the page itself is in test_web_browser.py."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from sse_starlette import ServerSentEvent
from starlette.types import Message

from client.web.api import MOST_PAGES
from client.web.server import MOST_CONNECTIONS
from client.web.streams import Streams, TooManyError
from contract import EventKind
from tests.system import System
from tests.waiting import wait_until
from tests.web_page import WebPage, event
from tests.wire import Wire

ROUTES = [
    ("GET", "/api/live"),
    ("GET", "/api/tasks"),
    ("GET", "/api/dead-letters"),
    ("GET", "/api/dead-letters/x"),
    ("GET", "/api/none"),
    ("POST", "/api/requests"),
    ("POST", "/api/cancellations"),
    ("POST", "/api/dead-letters/retry"),
    ("POST", "/api/dead-letters/purge"),
]


@pytest.fixture(scope="module")
def web(system: System) -> Iterator[WebPage]:
    system.start("web")
    with WebPage(system) as page:
        yield page
    assert system.stop("web") == 0


@pytest.fixture(scope="module")
def stranger(web: WebPage, system: System) -> Iterator[WebPage]:
    with WebPage(system, token="") as page:
        yield page


def request_of(frame: dict[str, Any], task_id: str) -> Any:
    return next((row for row in frame["requests"] if row["task_id"] == task_id), None)


def test_the_page_needs_no_token_and_holds_nothing(web: WebPage, stranger: WebPage) -> None:
    answer = stranger.get("/")
    assert answer.status_code == 200
    assert "<title>Callboard" in answer.text
    assert web.token not in answer.text


@pytest.mark.parametrize("path", ["/", "/api/tasks", "/none"])
def test_every_answer_forbids_what_a_foreign_page_or_text_could_do(web: WebPage, path: str) -> None:
    headers = web.get(path).headers
    policy = headers["content-security-policy"]
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(policy.split("; "))
    assert "unsafe" not in policy
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers
    assert headers["cache-control"] == ("no-store" if path.startswith("/api") else "no-cache")


@pytest.mark.parametrize("token", ["", "wrong", "ü"])
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_the_token_nothing_is_read_and_nothing_done(
    web: WebPage, stranger: WebPage, method: str, path: str, token: str
) -> None:
    headers = {b"authorization": f"Bearer {token}".encode()} if token else {}
    answer = stranger.http.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"].startswith("the token is missing, or another one")
    assert stranger.http.request(method, f"{path}?token={web.token}").status_code == 401


def test_the_page_of_another_site_reads_nothing_though_it_had_the_token(web: WebPage) -> None:
    assert web.get("/api/tasks", sec_fetch_site="cross-site").status_code == 403
    assert web.get("/api/tasks", sec_fetch_site="same-site").status_code == 403
    assert web.post("/api/dead-letters/purge", {"every": True}, sec_fetch_site="cross-site").status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", ""])
def test_a_name_that_was_made_to_lead_here_is_refused(web: WebPage, host: str) -> None:
    assert web.get("/", host=host).status_code == 400
    assert web.get("/api/tasks", host=host).status_code == 400


def test_what_happens_to_a_request_is_in_the_next_frame(web: WebPage, wire: Wire) -> None:
    wire.client.publish("events", event(EventKind.ACCEPTED, "one", user_id=7, request_id="r-1"))
    wire.client.publish("events", event(EventKind.STARTED, "one", user_id=7, request_id="r-1", attempt=1))
    wire.client.publish("events", event(EventKind.PROGRESS, "one", user_id=7, done=3, total=4, message="nearly"))
    frame = web.frame_where(lambda frame: (request_of(frame, "one") or {}).get("share"))
    row = request_of(frame, "one")
    assert (row["state"], row["is_running"], row["is_over"]) == ("started", True, False)
    assert (row["user_id"], row["attempt"], row["share"], row["message"]) == (7, 1, 0.75, "nearly")
    assert frame["active"] >= 1
    wire.client.publish("events", event(EventKind.ERROR, "one", error="it broke", error_code="failed"))
    frame = web.frame_where(lambda frame: request_of(frame, "one")["is_over"])
    assert request_of(frame, "one")["error"] == "it broke"


def test_a_flood_of_requests_is_counted_and_shown_in_part(web: WebPage, wire: Wire) -> None:
    with web.stream("/api/live") as events, wire.client.pipeline(transaction=False) as pipeline:
        for number in range(3_000):
            pipeline.publish("events", event(EventKind.ACCEPTED, f"flood-{number}"))
            pipeline.publish("events", event(EventKind.COMPLETED, f"flood-{number}", duration_ms=1.0))
        pipeline.execute()
        frames = []
        for _, frame in events:
            frames.append(frame)
            if request_of(frame, "flood-2999"):
                break
    # 6,000 events, and no more than one frame for each half of a second.
    assert len(frames) < 100
    assert len(frames[-1]["requests"]) == 100
    assert frames[-1]["not_shown"] >= 900
    assert frames[-1]["rate_per_s"] > 0


def test_a_request_whose_end_was_not_heard_has_ended_once_its_outcome_is_found(web: WebPage, wire: Wire) -> None:
    outcome = wire.ask("reverse_string", {"text": "hello"})

    def is_started(frame: dict[str, Any]) -> bool:
        if (request_of(frame, outcome["task_id"]) or {}).get("state") == "started":
            return True
        # As if this were the last that was heard of it. Once more, where it has ended again before this frame.
        wire.client.publish("events", event(EventKind.STARTED, outcome["task_id"], attempt=1))
        return False

    web.frame_where(is_started)
    web.frame_where(lambda frame: request_of(frame, outcome["task_id"])["state"] == "completed")


def test_the_state_of_queues_and_processes_comes_with_the_frames(web: WebPage) -> None:
    frame = web.frame_where(lambda frame: frame["status"] and not frame["problems"])
    assert {"name", "waiting", "in_hand", "delayed", "dead"} == frame["status"]["queues"][0].keys()
    # Other tests have lost theirs.
    assert [worker["alive"] for worker in frame["status"]["workers"]].count(True) == 1
    assert [ingress["leads"] for ingress in frame["status"]["ingresses"]] == [True]


def test_the_tasks_are_those_of_the_running_system(web: WebPage) -> None:
    tasks = {task["name"]: task for task in web.get("/api/tasks").json()["tasks"]}
    assert tasks["reverse_string"]["parameters"]["properties"]["text"]["maxLength"] == 100_000


def test_a_task_is_tried_and_its_outcome_told(web: WebPage) -> None:
    trial = {"task_type": "reverse_string", "parameters": {"text": "hello"}}
    with web.stream("/api/requests", trial) as events:
        heard = list(events)
    assert heard[-3][1]["event"] == "completed"
    name, outcome = heard[-2]
    assert (name, outcome["result"], outcome["user_id"]) == ("outcome", {"reversed_text": "olleh"}, "web")
    assert heard[-1] == ("result", {"text": '{\n  "reversed_text": "olleh"\n}'})


def test_parameters_that_the_task_refuses_are_told_as_its_outcome(web: WebPage) -> None:
    with web.stream("/api/requests", {"task_type": "reverse_string", "parameters": {}}) as events:
        name, outcome = list(events)[-2]
    assert (name, outcome["error_code"], outcome["error"]) == (
        "outcome",
        "invalid_parameters",
        "Missing 'text' parameter",
    )


def test_what_is_no_request_fails_with_a_reason(web: WebPage) -> None:
    with web.stream("/api/requests", {"task_type": "", "parameters": {}}) as events:
        assert [name for name, _ in events] == ["failure"]
    assert web.post("/api/requests", {"task_type": 7}).json() == {"error": "task_type: Input should be a valid string"}


def test_a_cancellation_goes_out_in_the_name_of_the_user_whose_request_it_is(web: WebPage, wire: Wire) -> None:
    with wire.client.pubsub(ignore_subscribe_messages=True) as control:
        control.subscribe("control")
        control.get_message(timeout=5)
        answer = web.post("/api/cancellations", {"user_id": 7, "task_id": "one"})
        assert (answer.status_code, answer.json()) == (202, {"asked_to_cancel": "one"})
        message: Any = wait_until(lambda: control.get_message(timeout=0.1), "the control message")
    assert json.loads(message["data"]) == {"action": "cancel", "user_id": 7, "task_id": "one"}


def test_a_user_id_that_is_a_long_number_is_also_there_as_text(web: WebPage, wire: Wire) -> None:
    wire.client.publish("events", event(EventKind.ACCEPTED, "of-long", user_id=2**53 + 1))
    wire.client.publish("events", event(EventKind.ACCEPTED, "of-text", user_id="7"))
    frame = web.frame_where(lambda frame: request_of(frame, "of-text"))
    assert request_of(frame, "of-long")["user_id_json"] == "9007199254740993"
    assert request_of(frame, "of-text")["user_id_json"] == '"7"'


def test_a_user_id_or_a_task_type_of_many_characters_is_shown_in_part(web: WebPage, wire: Wire) -> None:
    for task_id, user_id in (("of-longest", "9" * 60_000), ("of-number", 10**4_000)):
        wire.client.publish("events", event(EventKind.ACCEPTED, task_id, user_id=user_id, task_type="x" * 1_000))
    frame = web.frame_where(lambda frame: request_of(frame, "of-number"))
    for task_id in ("of-longest", "of-number"):
        row = request_of(frame, task_id)
        assert len(row["user_id"]) == len(row["task_type"]) == 201
        assert row["user_id"].endswith("…")
        assert row["user_id_json"] is None
    outcome = wire.ask("always_fails", user_id="u" * 100_000)
    letters = web.get("/api/dead-letters").json()["letters"]
    (row,) = (letter for letter in letters if letter["id"] == outcome["task_id"])
    assert len(row["user_id"]) == 201
    assert len(web.get(f"/api/dead-letters/{row['id']}").json()["user_id"]) == 100_000


def test_a_dead_letter_is_found_explained_tried_again_and_removed(web: WebPage, wire: Wire) -> None:
    wire.ask("finds_fault")
    outcome = wire.ask("always_fails", {}, user_id=(user := 2**53 + 1))
    listed = web.get("/api/dead-letters?task_type=always_fails").json()
    assert (listed["letters"][0]["id"], listed["has_more"]) == (outcome["task_id"], False)
    assert len(listed["letters"]) == listed["total"] < listed["kept"] == web.get("/api/dead-letters").json()["total"]
    assert listed["letters"][0]["user_id_json"] == "9007199254740993"
    letter = web.get(f"/api/dead-letters/{outcome['task_id']}").json()
    assert letter["error"] == outcome["error"]
    assert "Traceback" in letter["traceback"]
    assert letter["parameters_json"] == "{}"
    assert web.post("/api/dead-letters/retry", {"ids": [letter["id"]]}).json() == {"retried": 1}
    assert wire.outcome_of(user)["task_id"] == letter["id"]
    assert web.post("/api/dead-letters/purge", {"ids": [letter["id"]]}).json() == {"purged": 1}
    assert web.get(f"/api/dead-letters/{letter['id']}").status_code == 404
    wire.ask("always_fails")
    count = web.get("/api/dead-letters").json()["total"]
    every = {"every": True, "task_type": "always_fails"}
    purged = web.post("/api/dead-letters/purge", every).json()["purged"]
    assert purged >= 1
    assert web.get("/api/dead-letters").json()["total"] == count - purged


@pytest.mark.parametrize("content", [{}, {"ids": []}, {"ids": ["x"], "every": True}, {"ids": ["x"] * 51}, [], "x"])
def test_which_dead_letters_has_to_be_said(web: WebPage, content: object) -> None:
    assert web.post("/api/dead-letters/purge", content).status_code == 400


@pytest.mark.parametrize("action", ["retry", "purge"])
def test_a_misspelt_filter_does_not_mean_all_dead_letters(web: WebPage, wire: Wire, action: str) -> None:
    outcome = wire.ask("always_fails")
    answer = web.post(f"/api/dead-letters/{action}", {"every": True, "task": "another"})
    assert (answer.status_code, answer.json()) == (400, {"error": "task: Extra inputs are not permitted"})
    assert web.get(f"/api/dead-letters/{outcome['task_id']}").status_code == 200


def test_of_pages_that_open_at_the_same_moment_no_more_are_served_than_there_may_be(web: WebPage) -> None:
    with ExitStack() as stack:
        opened = [stack.enter_context(web.unread("/api/live")) for _ in range(MOST_PAGES + 10)]
        statuses = Counter(page.makefile().readline().split()[1] for page in opened)
    # One that another test has closed may not have been noticed yet.
    assert statuses["200"] <= MOST_PAGES
    assert statuses["503"] == len(opened) - statuses["200"]
    wait_until(lambda: web.http.head("/api/live").status_code == 200, "there is a place again")


def test_a_page_that_has_gone_before_its_stream_begins_leaves_its_place() -> None:
    async def events() -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent("never sent")

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise OSError("it has gone")

    pages = Streams(1, "too many")
    left = pages.answer(events())
    with pytest.raises(TooManyError, match="too many"):
        pages.answer(events())
    with suppress(OSError):
        asyncio.run(left({"type": "http", "method": "GET"}, receive, send))
    pages.answer(events())


def test_only_json_of_a_bearable_size_is_read(web: WebPage) -> None:
    form = web.http.post("/api/dead-letters/purge", data={"every": "true"})
    assert (form.status_code, form.json()) == (400, {"error": "the content type should be application/json"})
    large = web.post("/api/requests", {"task_type": "reverse_string", "parameters": {"text": "x" * 2**20}})
    assert (large.status_code, "1048576 bytes" in large.json()["error"]) == (400, True)


def test_a_foolish_question_gets_an_answer(web: WebPage) -> None:
    assert web.get("/api/dead-letters?skip=-1").status_code == 400
    assert web.get("/api/dead-letters?skip=x").status_code == 400
    assert web.get("/api/dead-letters/nobody").status_code == 404
    none = web.get("/api/none")
    assert (none.status_code, none.json()) == (404, {"error": "GET /api/none: Not Found"})
    assert web.get("/../settings.py").status_code == 404
    assert web.get("/%2e%2e/server.py").status_code == 404
    other = web.get("/api/requests")
    assert (other.status_code, other.headers["allow"]) == (405, "POST")
    assert other.json() == {"error": "GET /api/requests: Method Not Allowed"}


def test_those_who_are_silent_keep_nobody_away_for_long(web: WebPage) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_CONNECTIONS):
            stack.enter_context(web.connection())
        wait_until(lambda: web.get("/").status_code == 200, "the page is there again")


def test_who_says_a_byte_at_a_time_is_hung_up_on(web: WebPage) -> None:
    with web.connection() as slow:
        slow.settimeout(0.01)
        slow.sendall(b"GET / HTTP/1.1\r\nX: ")

        def is_hung_up_on() -> bool:
            try:
                slow.sendall(b"x")
                return not slow.recv(1)
            except TimeoutError:
                return False
            except ConnectionError:
                return True

        wait_until(is_hung_up_on, "it is hung up on")
