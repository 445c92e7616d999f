"""A real Chromium (HEADSCOPE_CHROMIUM, or what scripts/find-chromium finds)."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from .places import ROOT

SIZE = {"width": 1280, "height": 900}
# The tool listens for errors with their places, for which V8 would read all of Plotly a second time: no reader does.
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
    """A page of Headscope with its picture drawn; the script ran before any of the page's own."""
    with browser() as running:
        page = running.new_page(viewport=SIZE)
        page.set_default_timeout(300_000)
        page.add_init_script(script)
        page.goto(url)
        page.locator("#heatmap .plot .main-svg image").first.wait_for()
        yield page
