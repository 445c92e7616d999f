"""Chromium: the one of HEADSCOPE_CHROMIUM, or the one that scripts/find-chromium finds."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from .paths import ROOT

SIZE = {"width": 1280, "height": 900}
# Playwright listens for errors with their positions. V8 would parse Plotly a second time for that, which no user pays.
FLAGS = ["--no-sandbox", "--disable-gpu", "--js-flags=--no-enable-lazy-source-positions"]


def chromium() -> str:
    found = subprocess.run([ROOT / "scripts" / "find-chromium"], capture_output=True, text=True, check=True)
    return found.stdout.strip()


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield running
        running.close()


@contextmanager
def opened(url: str, script: str) -> Iterator[Page]:
    """The page of Headscope once its heatmap is drawn. `script` runs before the scripts of the page."""
    with browser() as running:
        page = running.new_page(viewport=SIZE)
        page.set_default_timeout(300_000)
        page.add_init_script(script)
        page.goto(url)
        page.locator("#heatmap .plot .main-svg image").first.wait_for()
        yield page
