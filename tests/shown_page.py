"""The page of `callboard web` as a browser shows it."""

from contextlib import suppress

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

from tests.waiting import wait_until


class Page:
    """What is on it."""

    def __init__(self, browser: Chrome) -> None:
        self.browser = browser

    def all(self, selector: str) -> list[WebElement]:
        """All that is shown of it."""
        while True:
            with suppress(StaleElementReferenceException):  # a row that has gone meanwhile
                return [
                    found for found in self.browser.find_elements(By.CSS_SELECTOR, selector) if found.is_displayed()
                ]

    def wait(self, selector: str) -> WebElement:
        """The first of it, once it is shown."""
        return wait_until(lambda: self.all(selector), f"{selector} is shown")[0]

    def click(self, selector: str) -> None:
        """Clicks on the first of it, once it is shown."""

        def clicked() -> bool:
            with suppress(StaleElementReferenceException):
                self.wait(selector).click()
                return True
            return False

        wait_until(clicked, f"{selector} is clicked on")

    def wait_text(self, selector: str, text: str) -> None:
        """Returns once it says that."""
        wait_until(lambda: text in self.text(selector), f"{selector} says {text!r}")

    def text(self, selector: str) -> str:
        """All that it says now. Asked in one step: a row may go between two."""
        script = "return [...document.querySelectorAll(arguments[0])].map((node) => node.innerText).join(' ')"
        return str(self.browser.execute_script(script, selector))

    def choose(self, task: str) -> None:
        """Chooses a task of the form."""
        wait_until(lambda: task in self.text("#task"), "the tasks are there")
        Select(self.wait("#task")).select_by_value(task)

    def send(self, task: str, **values: str) -> None:
        """Fills in the form and sends it."""
        self.choose(task)
        self.fill(**values)
        self.click("#send")

    def fill(self, **values: str) -> None:
        """Types into fields, instead of what they hold."""
        for name, value in values.items():
            field = self.wait(f"#field-{name}")
            field.clear()
            field.send_keys(value)
