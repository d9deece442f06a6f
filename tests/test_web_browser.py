"""The page of `callboard web` in a browser, as somebody uses it."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from contract import EventKind
from tests.browser import chromium, missing
from tests.shown_page import Page
from tests.system import System
from tests.waiting import wait_until
from tests.web_page import event, link_of
from tests.wire import Wire, new_user

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

#: What would run if any of it became a part of the page.
MARKUP = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def served(system: System) -> Iterator[System]:
    system.start("web")
    yield system
    system.stop("web")


@pytest.fixture
def page(served: System, browser: Chrome) -> Iterator[Page]:
    """The page, opened by its link; nothing that happens on it may be an error to the browser."""
    browser.get("about:blank")
    browser.get(link_of(served))
    page = Page(browser)
    page.wait("#main")
    yield page
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def repeated(page: Page) -> Any:
    """What the task `repeats` says that it was given."""
    page.wait_text("#outcome-state", "Completed")
    page.wait_text("#outcome-result", "{")
    return json.loads(page.text("#outcome-result"))


def test_the_link_opens_the_page_and_leaves_no_token_in_the_address(page: Page, served: System) -> None:
    page.wait_text("#connection", "Live")
    assert "token" not in page.browser.current_url
    page.wait_text("#processes", "holds the lease")
    page.wait_text("#processes", "1 worker process")


def test_without_the_token_it_asks_for_it(served: System, browser: Chrome) -> None:
    address, _, token = link_of(served).partition("#token=")
    page = Page(browser)
    browser.get("about:blank")
    browser.get(address)
    browser.execute_script("sessionStorage.clear()")
    browser.get("about:blank")
    browser.get(address)
    page.wait("#token").send_keys("wrong", Keys.ENTER)
    page.wait_text("#token-error", "another one")
    page.wait("#token").send_keys(token, Keys.ENTER)
    page.wait("#main")
    browser.get_log("browser")  # it has told of the refusal


def test_a_request_shows_from_its_acceptance_to_its_end(page: Page, wire: Wire) -> None:
    user = new_user()
    wire.ask("reverse_string", {"text": "hello"}, user_id=user, request_id="r-shown")
    page.wait_text("#requests", "r-shown")
    row = "#requests tr:has(td[title*='request r-shown,'])"
    page.wait_text(row, "completed")
    assert user in page.text(row)


def test_progress_is_a_bar_and_what_goes_on_can_be_cancelled(page: Page, wire: Wire) -> None:
    wire.client.publish("events", event(EventKind.ACCEPTED, "t-long", user_id=7))
    wire.client.publish("events", event(EventKind.STARTED, "t-long", user_id=7, attempt=1))
    wire.client.publish("events", event(EventKind.PROGRESS, "t-long", user_id=7, done=3, total=4, message="sieving"))
    row = "#requests tr:has(td[title*='task t-long'])"
    assert page.wait(f"{row} progress").get_attribute("value") == "0.75"
    page.wait_text(row, "sieving")
    button = page.wait(f"{row} button")
    assert button.accessible_name == "Cancel long_work of 7"
    button.send_keys(Keys.ENTER)
    page.wait_text(row, "Asked for")
    wire.client.publish("events", event(EventKind.CANCELLED, "t-long", user_id=7, error="Cancelled"))
    page.wait_text(row, "cancelled")
    assert page.all(f"{row} button") == []


def test_a_user_id_that_is_a_long_number_is_shown_and_cancelled_as_it_is(page: Page, wire: Wire) -> None:
    user_id = 2**53 + 1
    row = "#requests tr:has(td[title*='task t-user'])"
    with wire.client.pubsub(ignore_subscribe_messages=True) as control:
        control.subscribe("control")
        control.get_message(timeout=5)
        wire.client.publish("events", event(EventKind.ACCEPTED, "t-user", user_id=user_id))
        page.wait_text(row, str(user_id))
        page.click(f"{row} button")
        message: Any = wait_until(lambda: control.get_message(timeout=0.1), "the control message")
    assert json.loads(message["data"])["user_id"] == user_id


def test_the_focus_stays_on_a_button_while_rows_come_and_go(page: Page, wire: Wire) -> None:
    wire.client.publish("events", event(EventKind.ACCEPTED, "t-stays"))
    button = page.wait("#requests tr:has(td[title*='task t-stays']) button")
    page.browser.execute_script("arguments[0].focus()", button)
    for number in range(20):
        wire.client.publish("events", event(EventKind.COMPLETED, f"t-other-{number}"))
    page.wait_text("#requests", "t-other-19")
    assert page.browser.switch_to.active_element == button


def test_a_task_is_tried_in_a_form_made_of_its_schema(page: Page) -> None:
    page.send("generate_random_number", min_value="7", max_value="007")
    page.wait_text("#outcome-state", "Completed")
    page.wait_text("#outcome-result", '"number": 7')


def test_a_field_that_nobody_has_touched_leaves_the_default(page: Page) -> None:
    page.send("repeats")
    assert repeated(page) == {
        "label": None,
        "title": "untitled",
        "sure": None,
        "ready": True,
        "mixed": 0,
        "colour": "red",
        "steps": None,
        "spot": None,
    }


def test_a_field_sends_each_kind_that_its_parameter_takes(page: Page) -> None:
    page.choose("repeats")
    Select(page.wait("#field-sure")).select_by_visible_text("false")
    Select(page.wait("#field-ready")).select_by_visible_text("null")
    Select(page.wait("#field-colour")).select_by_visible_text("blue")
    page.wait("#field-title").clear()
    page.fill(mixed='"3"', steps="[1, 2]", spot='{"x": 1}')
    page.click("#send")
    assert repeated(page) == {
        "label": None,
        "title": "",
        "sure": False,
        "ready": None,
        "mixed": "3",
        "colour": "blue",
        "steps": [1, 2],
        "spot": {"x": 1, "note": ""},
    }


def test_a_long_number_arrives_as_it_was_typed(page: Page) -> None:
    page.send("generate_random_number", min_value="9223372036854775807", max_value="9223372036854775807")
    page.wait_text("#outcome-result", '"number": 9223372036854775807')


def test_what_the_browser_can_see_is_wrong_is_not_sent(page: Page) -> None:
    page.send("reverse_string", text="")
    assert page.all("#outcome") == []
    page.send("generate_random_number", min_value="seven")
    assert page.all("#outcome") == []


def test_what_the_task_refuses_is_said_in_its_words(page: Page) -> None:
    page.send("generate_random_number", min_value="9", max_value="1")
    page.wait_text("#outcome-state", "invalid_parameters")
    assert "min" in page.text("#outcome-result")


def test_text_from_outside_stays_text(page: Page, wire: Wire) -> None:
    page.send("reverse_string", text=MARKUP[::-1])
    page.wait_text("#outcome-result", "<script>")
    fields = {"user_id": MARKUP, "task_type": MARKUP, "request_id": "r-markup"}
    wire.client.publish("events", event(EventKind.ERROR, "t-markup", error=MARKUP, **fields))
    page.wait_text("#requests tr:has(td[title*='task t-markup'])", "<script>")
    wire.ask("always_fails", {}, user_id=MARKUP)
    page.wait_text("#letters", "<script>")
    assert page.browser.title == "Callboard"
    assert page.all("td img, pre img, td script") == []


def test_a_dead_letter_is_explained_retried_and_purged(page: Page, wire: Wire) -> None:
    user = new_user()
    died = wire.ask("always_fails", {}, user_id=user)
    row = f"[data-letter='{died['task_id']}']"
    page.click(f"{row} button[data-keep^='Details']")
    page.wait_text("#letters pre", "Traceback")
    page.click(f"{row} button[data-keep^='Retry']")
    assert wire.outcome_of(user)["task_id"] == died["task_id"]
    page.click(f"{row} button[data-keep^='Purge']")
    page.click("dialog button[value=no]")
    page.click(f"{row} button[data-keep^='Purge']")
    page.click("dialog button[value=yes]")
    wait_until(lambda: not page.all(row), "the row is gone")


def test_charts_say_in_words_what_they_show(page: Page, wire: Wire) -> None:
    wire.ask("reverse_string", {"text": "hello"})
    label = "return document.querySelector('#rate-chart svg')?.getAttribute('aria-label') ?? ''"
    wait_until(lambda: "at most" in page.browser.execute_script(label), "the chart is described")
    page.wait("#latency-chart svg")


@pytest.mark.parametrize("width", [400, 800, 1280])
def test_nothing_is_wider_than_the_window(page: Page, wire: Wire, width: int) -> None:
    wire.client.publish("events", event(EventKind.ACCEPTED, "t-wide", request_id="r" * 128, user_id="u" * 200))
    wire.client.publish("events", event(EventKind.RETRYING, "t-wide", error="e" * 500, user_id="u" * 200, attempt=1))
    page.wait_text("#requests", "e" * 500)
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scroll_width = "return document.documentElement.scrollWidth"
    wait_until(lambda: page.browser.execute_script(scroll_width) == width, "all is within the window")
    page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def nameless(page: Page) -> list[str]:
    """What a screen reader could not name, for as long as the rows stay what they are."""
    while True:
        with suppress(StaleElementReferenceException):
            controls = page.all("button, input, select, textarea, progress, [tabindex]")
            return [str(control.get_attribute("outerHTML")) for control in controls if not control.accessible_name]


def test_every_field_and_button_has_a_name(page: Page, wire: Wire) -> None:
    wire.ask("always_fails")
    page.wait("#letters button")
    page.choose("generate_random_number")
    assert nameless(page) == []


def test_when_the_server_ends_the_page_says_so(system: System, page: Page) -> None:
    system.stop("web")
    page.wait_text("#connection", "trying again")
    page.browser.get("about:blank")
    page.browser.get_log("browser")  # it has told of the lost connection
    system.start("web")
