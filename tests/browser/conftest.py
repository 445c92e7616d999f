"""A real server and a real Chromium. Any console error, and any request to another server, fails the test."""

import base64
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from encoder_decoders import write
from fakehub import FakeHub
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Request,
    expect,
    sync_playwright,
)
from worlds import live

from headscope.settings import Settings

from .waiting import saying

# The first is the same browser without its windows, and starts a page in two thirds of the time.
CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# Quiet: nothing of Chromium's own may reach for the network while a test listens for strangers.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--process-per-site",
    # Playwright records the positions of errors, and Plotly raises some on purpose. Without this flag, V8 parses all of
    # Plotly a second time to find the positions, and a page takes twice as long.
    "--js-flags=--no-enable-lazy-source-positions",
]
SENTENCE = "The cat sat on the mat."
TOKENS = ["[CLS]", "the", "cat", "sat", "on", "the", "mat", ".", "[SEP]"]  # the default model's


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server with the default model loaded."""
    with live(Settings()) as address:
        yield address


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
    """Errors of a page, and parts of messages that a test expects (a refused request appears in the console)."""

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

    page.on(
        "console",
        lambda said: said.type == "error" and complaints.heard.append(f"console: {said.text} {said.location}"),
    )
    page.on("pageerror", lambda error: complaints.heard.append(f"error: {error}"))
    page.on("request", lambda asked: is_ours(asked) or complaints.heard.append(f"request to {asked.url}"))


@pytest.fixture(scope="session")
def visited(browser: Browser, server: str) -> Iterator[BrowserContext]:
    """A browser profile for all tests. One page stays open, so that Plotly is fetched and compiled once."""
    opened = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    opened.new_page().goto(f"{server}/healthz")
    yield opened
    opened.close()


@pytest.fixture
def context(visited: BrowserContext) -> Iterator[BrowserContext]:
    """That profile. After each test, everything but the HTTP cache is removed."""
    yield visited
    for page in visited.pages[1:]:
        if page.url.startswith("http"):
            everything = {"origin": page.evaluate("location.origin"), "storageTypes": "all"}
            visited.new_cdp_session(page).send("Storage.clearDataForOrigin", everything)
        page.close()
    visited.clear_permissions()


@pytest.fixture
def page(context: BrowserContext, server: str, complaints: Complaints) -> Page:
    """An empty page."""
    opened = context.new_page()
    listen(opened, server, complaints)
    return opened


@dataclass
class Headscope:
    """The page as a reader uses it."""

    page: Page
    server: str

    def open(self, **address: object) -> "Headscope":
        """Loads the page with this address, also if only the part after "#" is new, and waits for its heatmap."""
        if self.page.url.startswith(self.server):
            self.page.goto("about:blank")
        self.page.goto(f"{self.server}/{'#' + urlencode(address) if address else ''}")
        self.page.locator("#heatmap .plot .main-svg").first.wait_for()
        return self

    def run(self, text: str) -> None:
        self.page.fill("#text", text)
        self.page.press("#text", "Control+Enter")

    def cell(self, layer: int, head: int) -> str:
        return f'#grid [data-layer="{layer}"][data-head="{head}"]'

    def choose(self, layer: int, head: int) -> None:
        self.page.click(self.cell(layer, head))
        self.page.get_by_role("heading", name=f"Layer {layer}, head {head}", exact=True).wait_for()

    def run_to_the_end(self, text: str) -> None:
        """Runs a text and waits until the page shows it, whatever it showed before."""
        with self.page.expect_event("requestfinished", lambda request: "/captures?" in request.url):
            self.run(text)
        expect(self.page.locator("#heatmap .stage")).to_have_attribute("aria-busy", "false")

    def point_at(self, query: int, key: int, of: int) -> Locator:
        """Points at a cell of the whole `of` x `of` heatmap; returns the tooltip, which follows soon after."""
        plot = self.page.locator("#heatmap .plot .nsewdrag").bounding_box()
        assert plot is not None
        self.page.mouse.move(
            plot["x"] + plot["width"] * (key + 0.5) / of, plot["y"] + plot["height"] * (query + 0.5) / of
        )
        return self.page.locator("#heatmap .tip")

    @property
    def chosen(self) -> tuple[int, int]:
        cell = self.page.locator('#grid [role="gridcell"][aria-selected="true"]')
        return int(cell.get_attribute("data-layer") or -1), int(cell.get_attribute("data-head") or -1)

    def expect_chosen(self, layer: int, head: int) -> None:
        expect(self.page.locator(self.cell(layer, head))).to_have_attribute("aria-selected", "true")
        expect(self.page.locator("#grid [role='gridcell'][aria-selected='true']")).to_have_count(1)

    def expect_labels(self, words: list[str]) -> None:
        """Waits until these words are written along the queries."""
        expect(self.page.locator("#heatmap .ytick text")).to_have_text([saying(word) for word in words])

    def expect_url(self, pattern: str) -> None:
        """Waits until the address matches; Playwright learns of changes of the address a moment after the page."""
        expect(self.page).to_have_url(re.compile(pattern))

    def expect_url_without(self, pattern: str) -> None:
        expect(self.page).not_to_have_url(re.compile(pattern))

    @property
    def address(self) -> str:
        """The address now, as the page knows it."""
        address: str = self.page.evaluate("location.href")
        return address

    def stop_the_clock(self) -> None:
        """Messages that are shown for a moment stay, until `page.clock` goes on. Needs the fixture `with_clock`."""
        self.page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))

    def screenshot_of(self, left: float, top: float, right: float, bottom: float) -> bytes:
        """A part of the cells of the heatmap, in shares of its width and height, without its edges."""
        image = self.page.locator("#heatmap .plot image").first
        image.evaluate("one => one.decode()")  # the browser decodes an image after it has been put into the page
        box = self.page.locator("#heatmap .nsewdrag").bounding_box()
        assert box is not None
        x, y, width, height, edge = box["x"], box["y"], box["width"], box["height"], 4
        return self.page.screenshot(
            clip={
                "x": x + width * left + edge,
                "y": y + height * top + edge,
                "width": width * (right - left) - 2 * edge,
                "height": height * (bottom - top) - 2 * edge,
            }
        )


@pytest.fixture
def headscope(page: Page, server: str) -> Headscope:
    return Headscope(page, server)


@pytest.fixture
def with_clock(browser: Browser, server: str, complaints: Complaints) -> Iterator[Headscope]:
    """A page whose timers a test can stop. Its profile is its own, because all pages of a profile share the clock."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    listen(page, server, complaints)
    page.clock.install()
    yield Headscope(page, server)
    page.close()


@pytest.fixture
def beside_a_hub(
    context: BrowserContext, complaints: Complaints, hub: FakeHub, models_dir: Path
) -> Iterator[Headscope]:
    """The page of a server with a fake hub."""
    with live(Settings(model="local:bert", models_dir=models_dir)) as server:
        page = context.new_page()
        listen(page, server, complaints)
        yield Headscope(page, server)


@pytest.fixture(scope="session")
def translators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a T5, a BART and a Marian."""
    folder = tmp_path_factory.mktemp("models")
    for kind in ("t5", "bart", "marian"):
        write(folder / kind, kind)
    with live(Settings(model="local:t5", models_dir=folder, max_written=6)) as address:
        yield address


@pytest.fixture
def translator(context: BrowserContext, translators: str, complaints: Complaints) -> Headscope:
    page = context.new_page()
    listen(page, translators, complaints)
    return Headscope(page, translators)


def colours(browser: Browser, png: bytes) -> set[str]:
    """The colours of an image in CSS syntax; a colour that is not opaque as rgba(). The browser decodes the PNG."""
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
            for (let at = 0; at < data.length; at += 4) {
                const alpha = data[at + 3];
                const rgb = data.slice(at, at + 3).join(", ");
                found.add(alpha === 255 ? `rgb(${rgb})` : `rgba(${rgb}, ${alpha / 255})`);
            }
            return [...found];
        }""",
        base64.b64encode(png).decode(),
    )
    page.close()
    return set(found)
