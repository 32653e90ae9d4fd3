"""One Chromium for all tests of this folder, and pages of their own, whose last sight is kept in `.build/screenshots`.

It ends with the folder: Playwright keeps an event loop in this thread, which other tests may want for themselves.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

from browser.chromium import ARGUMENTS, ensure_chromium, environment

Visit = Callable[[], AbstractContextManager[tuple[Page, "Heard"]]]

_SIGHTS = Path(__file__).parent.parent.parent / ".build" / "screenshots"


@dataclass
class Heard:
    """What a page asked of the network and said since it was made."""

    requests: list[str] = field(default_factory=list)  # URLs, the page's own among them
    complaints: list[str] = field(default_factory=list)  # errors and warnings of the console, and uncaught ones
    dialogs: list[str] = field(default_factory=list)  # alerts and the like

    def listen(self, page: Page) -> None:
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda line: line.type in ("error", "warning") and self.complaints.append(line.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    binary = ensure_chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=binary, args=ARGUMENTS, env=environment(binary))
        yield started
        started.close()


@pytest.fixture(scope="package")
def visit(browser: Browser) -> Visit:
    """Makes an empty page with a profile of its own, 1,280 by 800 and light, and what is heard of it."""

    @contextmanager
    def made() -> Iterator[tuple[Page, Heard]]:
        with browser.new_context(viewport={"width": 1_280, "height": 800}, color_scheme="light") as context:
            context.set_default_timeout(20_000)
            page, heard = context.new_page(), Heard()
            heard.listen(page)
            try:
                yield page, heard
            finally:
                _keep_sight(page)

    return made


def _keep_sight(page: Page) -> None:
    """A picture of how a test left its page, by the test's name."""
    name = re.sub(r"[^\w.-]+", "-", os.environ["PYTEST_CURRENT_TEST"].split("::")[-1].rpartition(" ")[0]).strip("-")
    # A test may have closed its page, or left it on an endless task.
    with suppress(Error):
        page.screenshot(path=_SIGHTS / f"{name}.png", full_page=True, timeout=5_000)


@pytest.fixture
def page(visit: Visit) -> Iterator[Page]:
    """A page for one test."""
    with visit() as (found, _):
        yield found
