"""How tests wait: the page answers later than the call that acts on it, so a state is never read just once."""

import re
import time
from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

# A busy machine is no fault of the page: Playwright's own five seconds are too few there.
PATIENCE = 30
expect.set_options(timeout=1000 * PATIENCE)


class Held:
    """Requests that wait until the test answers them."""

    def __init__(self, page: Page, pattern: str | re.Pattern[str]) -> None:
        self.page = page
        self.routes: list[Route] = []
        page.route(pattern, lambda route: self.routes.append(route))  # noqa: PLW0108 - Playwright asks for a Python function

    def first(self, count: int = 1) -> list[Route]:
        """Waits until so many requests are held."""
        until(self.page, lambda: len(self.routes) >= count)
        return self.routes[:count]

    def let_go(self) -> None:
        """Lets the first request go on, as soon as it has been sent."""
        self.first()[0].continue_()


def until(page: Page, is_done: Callable[[], object]) -> None:
    """Waits for what `expect` cannot see, such as requests or the data of a chart. Events arrive meanwhile."""
    end = time.monotonic() + PATIENCE
    while not is_done():
        assert time.monotonic() < end, f"not within {PATIENCE} seconds"
        page.wait_for_timeout(20)


def saying(words: str, more: str = "$") -> re.Pattern[str]:
    """Matches a text that begins with these words; directional isolates, which are invisible, may be among them."""
    isolates = "[\u2066-\u2069]*"
    return re.compile(f"^{isolates}{isolates.join(map(re.escape, words))}{isolates}{more}")


def seen(text: str) -> str:
    """The text without directional isolates, which are invisible."""
    return re.sub("[\u2066-\u2069]", "", text)
