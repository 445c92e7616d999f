"""A real server, a real Chromium, and a page that may not complain: no console error, no request to elsewhere."""

import base64
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# Quiet: nothing of Chromium's own may reach for the network while a test listens for strangers.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Playwright listens for errors with their places, and Plotly makes some on purpose: without this V8 reads all of
    # Plotly a second time for that, and a page takes twice as long.
    "--js-flags=--no-enable-lazy-source-positions",
]
SENTENCE = "The cat sat on the mat."
TOKENS = ["[CLS]", "the", "cat", "sat", "on", "the", "mat", ".", "[SEP]"]  # the default model's
STARTS_WITHIN = 120  # seconds, the model included, on a busy machine


def until_ready(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+:\d+", line)
    assert found, f"headscope printed no address but {line!r}"
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline:
        assert process.poll() is None, "headscope stopped while it was starting"
        try:
            with urlopen(f"{found[0]}/readyz", timeout=5):
                return found[0]
        except (URLError, TimeoutError):
            time.sleep(0.2)
    pytest.fail(f"headscope was not ready within {STARTS_WITHIN} s")


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server with the default model loaded."""
    command = [str(Path(sys.executable).with_name("headscope")), "serve", "--no-open", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield until_ready(process)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def chromium() -> str:
    named = os.environ.get("HEADSCOPE_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, CHROMIUM)), None)
    if not found or not Path(found).exists():
        pytest.fail(
            f"no browser: tried {named or ', '.join(CHROMIUM)}. Install Chromium or set HEADSCOPE_CHROMIUM to one."
        )
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield running
        running.close()


@dataclass
class Complaints:
    """What a page must not do, and the few words a test may say it expects (a refused request shows in the console)."""

    heard: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect(self, words: str) -> None:
        self.expected.append(words)

    def rest(self) -> list[str]:
        return [one for one in self.heard if not any(words in one for words in self.expected)]


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    found = Complaints()
    yield found
    assert found.rest() == [], "the page complained"


def listen(page: Page, server: str, complaints: Complaints) -> None:
    def is_ours(request: Request) -> bool:
        return request.url.startswith((f"{server}/", "data:", "blob:"))

    page.on("console", lambda said: said.type == "error" and complaints.heard.append(f"console: {said.text}"))
    page.on("pageerror", lambda error: complaints.heard.append(f"error: {error}"))
    page.on("request", lambda asked: is_ours(asked) or complaints.heard.append(f"request to {asked.url}"))


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, server: str, complaints: Complaints) -> Page:
    """A page that has not gone anywhere yet."""
    opened = context.new_page()
    listen(opened, server, complaints)
    return opened


@dataclass
class Headscope:
    """The page as a reader uses it."""

    page: Page
    server: str

    def open(self, **address: object) -> "Headscope":
        self.page.goto(f"{self.server}/{'#' + urlencode(address) if address else ''}")
        self.page.locator("#heatmap .plot .main-svg").first.wait_for()
        return self

    def run(self, text: str) -> None:
        self.page.fill("#text", text)
        self.page.press("#text", "Control+Enter")

    def cell(self, layer: int, head: int) -> str:
        return f'#grid canvas[data-layer="{layer}"][data-head="{head}"]'

    def choose(self, layer: int, head: int) -> None:
        self.page.click(self.cell(layer, head))
        self.page.get_by_role("heading", name=f"Layer {layer}, head {head}").wait_for()

    def point_at(self, query: int, key: int, of: int) -> str:
        """Points at a cell of the whole `of` x `of` picture and answers what the page says of it."""
        plot = self.page.locator("#heatmap .plot .nsewdrag").bounding_box()
        assert plot is not None
        self.page.mouse.move(
            plot["x"] + plot["width"] * (key + 0.5) / of, plot["y"] + plot["height"] * (query + 0.5) / of
        )
        return seen(self.page.locator("#heatmap .tip").inner_text())

    @property
    def chosen(self) -> tuple[int, int]:
        cell = self.page.locator('#grid canvas[aria-selected="true"]')
        return int(cell.get_attribute("data-layer") or -1), int(cell.get_attribute("data-head") or -1)

    @property
    def labels(self) -> list[str]:
        """What is written along the queries."""
        return [seen(one) for one in self.page.locator("#heatmap .ytick text").all_text_contents()]


def seen(text: str) -> str:
    """Without the isolates that keep a right-to-left token from turning its neighbours: they have no width."""
    return re.sub("[\u2066-\u2069]", "", text)


@pytest.fixture
def headscope(page: Page, server: str) -> Headscope:
    return Headscope(page, server)


def colours(browser: Browser, png: bytes) -> set[str]:
    """The colours of a picture, as CSS writes them. The browser decodes it: no library here reads PNG."""
    page = browser.new_page()
    found: list[str] = page.evaluate(
        """async (base64) => {
            const image = new Image();
            image.src = `data:image/png;base64,${base64}`;
            await image.decode();
            const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
            canvas.drawImage(image, 0, 0);
            const { data } = canvas.getImageData(0, 0, image.width, image.height);
            const found = new Set();
            for (let at = 0; at < data.length; at += 4) found.add(`rgb(${data.slice(at, at + 3).join(", ")})`);
            return [...found];
        }""",
        base64.b64encode(png).decode(),
    )
    page.close()
    return set(found)
