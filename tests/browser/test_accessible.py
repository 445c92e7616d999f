"""Accessibility: axe finds no violation, and at 200 % zoom nothing is hidden."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import SENTENCE, Complaints, Headscope, listen

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"


def violations(page: Page) -> list[str]:
    """The violations that axe finds. Its script is evaluated, as the content security policy blocks script tags."""
    assert AXE.is_file(), f"{AXE} is missing: `make setup-dev` installs it"
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run().then(({ violations }) => violations)")
    return [f"{one['id']}: {json.dumps([node['target'] for node in one['nodes']])}" for one in found]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(headscope: Headscope, theme: str, width: int) -> None:
    page = headscope.page
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    headscope.open(text=SENTENCE, layer=3, head=5, token=2, text_pair="It sat.")
    assert violations(page) == []
    page.get_by_role("button", name="table", exact=True).click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []


OPENED = {"scores": "#scores .nsewdrag", "similarity": "#similarity .point", "rollout": "#rollout .nsewdrag"}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_in_the_panels(headscope: Headscope, theme: str, width: int) -> None:
    page = headscope.page
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    headscope.open(text=SENTENCE, layer=0, head=2, score="previous", sort=1, top=5)
    for panel, drawn in OPENED.items():
        page.locator(f"[data-panel={panel}]").click()
        page.locator(drawn).first.wait_for()
        if panel == "scores":
            page.get_by_role("button", name="induction probe").click()
            page.locator("#scores .probe li").first.wait_for()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_at_200_percent_zoom_nothing_is_hidden_and_nothing_is_animated(
    server: str, browser: Browser, complaints: Complaints
) -> None:
    # The size of a page in a window of 1280 x 900 at 200 % zoom.
    context = browser.new_context(
        viewport={"width": 640, "height": 450}, device_scale_factor=2, reduced_motion="reduce"
    )
    page = context.new_page()
    listen(page, server, complaints)
    headscope = Headscope(page, server).open(text=SENTENCE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    for name in ("Run", "copy link", "table", "keys as rows"):
        page.get_by_role("button", name=name).scroll_into_view_if_needed()
        expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    every = "[...document.querySelectorAll('*')]"
    assert page.evaluate(f"{every}.every(one => parseFloat(getComputedStyle(one).transitionDuration) === 0)")
    headscope.choose(0, 1)
    context.close()
