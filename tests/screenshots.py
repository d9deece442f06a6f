"""The pictures of docs/web.md, taken of a page that is in use: `make screenshots`."""

import random
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from tests.browser import chromium, missing
from tests.redis_under_test import start_redis
from tests.system import PROJECT, System, copy_project
from tests.waiting import wait_until
from tests.web_page import link_of
from tests.wire import Wire

IMAGES = PROJECT / "docs" / "images"

WIDTH, HEIGHT = 1280, 1120

#: How long the system is in use before the picture is taken.
SECONDS_OF_USE = 150.0

#: Tasks that look like those of a shop.
ACTORS = '''
import random, time
from pydantic import BaseModel
from task import task

class Sent(BaseModel):
    receipt: str

@task(name="send_invoice", max_attempts=2)
def send_invoice(order: int) -> Sent:
    """Sends the invoice of an order by mail."""
    time.sleep(random.uniform(0.002, 0.03))
    if order % 211 == 0:
        raise ConnectionError("mail.example.org does not answer")
    return Sent(receipt=f"INV-{order}")

@task(name="resize_image")
def resize_image(width: int, height: int = 0) -> Sent:
    """Makes an image smaller."""
    time.sleep(random.uniform(0.01, 0.06))
    if width == 0:
        raise ValueError("cannot identify the image")
    return Sent(receipt=f"{width}x{height}")
'''


def main() -> int:
    """Takes one in light and one in dark; returns the exit code."""
    if reason := missing():
        print(f"No pictures: {reason}", file=sys.stderr)
        return 1
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, start_redis() as server:
        project = copy_project(Path(folder), {"shop.py": ACTORS})
        with System(project, server.url) as system, Wire(server.url) as wire, chromium(WIDTH, HEIGHT) as browser:
            for process in ("ingress", "worker", "scheduler", "web"):
                system.start(process)
            system.start("ingress", as_="standby")
            browser.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False},
            )
            browser.get(link_of(system))
            with _in_use(wire) as ended:
                _try_a_task(browser)
                ended.wait(SECONDS_OF_USE)
                wire.publish({"task_type": "count_primes", "user_id": "ada", "parameters": {"limit": 1_000_000_000}})
                wire.publish(
                    {"task_type": "send_invoice", "user_id": 7, "parameters": {"order": 1}, "delay_ms": 60_000}
                )
                wait_until(lambda: _share_done(browser) > 0.4, "a task is nearly half done", deadline_s=60)
                for scheme in ("light", "dark"):
                    _take(browser, scheme)
    return 0


@contextmanager
def _in_use(wire: Wire) -> Iterator[threading.Event]:
    """Requests of several users come in until the context ends, which the event tells."""
    ended = threading.Event()

    def send() -> None:
        order, chance = 4000, random.Random(7)  # noqa: S311 - the same orders in each picture
        while not ended.wait(chance.uniform(0.01, 0.12)):
            order += 1
            user = chance.choice(["ada", "grace", "linus", 7])
            task, parameters = chance.choice(
                [
                    ("send_invoice", {"order": order}),
                    ("resize_image", {"width": order % 97 and 640}),
                    ("reverse_string", {"text": "hello"}),
                    ("generate_random_number", {"min_value": 1, "max_value": 6}),
                ]
            )
            wire.publish({"task_type": task, "user_id": user, "request_id": f"order-{order}", "parameters": parameters})

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield ended
    finally:
        ended.set()
        sender.join()


def _try_a_task(browser: Chrome) -> None:
    wait_until(lambda: browser.find_elements(By.CSS_SELECTOR, "#task option"), "the tasks are there")
    Select(browser.find_element(By.ID, "task")).select_by_value("reverse_string")
    browser.find_element(By.ID, "field-text").send_keys("The quick brown fox")
    browser.find_element(By.ID, "send").click()
    wait_until(lambda: browser.find_element(By.ID, "outcome-result").is_displayed(), "the outcome is there")


def _share_done(browser: Chrome) -> float:
    bars = browser.find_elements(By.CSS_SELECTOR, "#requests progress:not([hidden])")
    return float(bars[0].get_attribute("value") or 0) if bars else 0.0


def _take(browser: Chrome, scheme: str) -> None:
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.save_screenshot(str(IMAGES / f"web-{scheme}.png"))


if __name__ == "__main__":
    sys.exit(main())
