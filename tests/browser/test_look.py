"""How the page looks: themes, widths, what fits on the screen, and what a strict policy leaves of it."""

import pytest
from playwright.sync_api import Browser, Route, expect

from .conftest import SENTENCE, Headscope, colours


def test_dark_is_remembered_and_reaches_the_plot(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE).page
    ink = "getComputedStyle(document.querySelector('#heatmap .ytick text')).fill"
    light = page.evaluate(ink)
    page.get_by_role("button", name="dark").click()
    page.wait_for_function(f"{ink} !== '{light}'")
    page.reload()
    expect(page.get_by_role("button", name="dark")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"


def test_all_that_matters_is_on_the_screen_at_1280_by_900_and_nothing_jumps(headscope: Headscope) -> None:
    page = headscope.page
    page.add_init_script(
        "window.jumps = 0; new PerformanceObserver(list => { for (const one of list.getEntries()) jumps += one.value })"
        ".observe({type: 'layout-shift', buffered: true})"
    )
    headscope.open()
    box = page.locator("#heatmap .stage").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 900
    # 0 when nothing moved; browsers call 0.1 good. The facts appear in room that was empty.
    assert page.evaluate("jumps") < 0.01


@pytest.mark.parametrize("width", [390, 768])
def test_a_narrow_window_stacks_the_page_and_scrolls_one_way(headscope: Headscope, width: int) -> None:
    page = headscope.page
    page.set_viewport_size({"width": width, "height": 844})
    headscope.open()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    tops = [page.locator(one).bounding_box()["y"] for one in ("#ask", ".try", "#grid", "#heatmap", "#facts")]  # type: ignore[index]
    assert tops == sorted(tops)
    plot = page.locator("#heatmap .nsewdrag").bounding_box()
    assert plot is not None
    assert plot["width"] > 180


POLICY = (
    "default-src 'none'; script-src 'self'; style-src-elem 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


def test_the_page_obeys_a_strict_content_security_policy(headscope: Headscope, browser: Browser) -> None:
    def guarded(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": POLICY})

    page = headscope.page
    page.route(f"{headscope.server}/", guarded)
    headscope.open(text="a", layer=0, head=0)
    stacked = page.locator("#heatmap .main-svg").evaluate_all("all => all.map(svg => getComputedStyle(svg).position)")
    assert set(stacked) == {"absolute"}
    # [CLS] a [SEP]: nine cells. A policy that blocks Plotly's style attributes blurs them into hundreds of colours.
    plot = page.locator("#heatmap .nsewdrag").bounding_box()
    assert plot is not None
    within = {"x": plot["x"] + 4, "y": plot["y"] + 4, "width": plot["width"] - 8, "height": plot["height"] - 8}
    assert 2 <= len(colours(browser, page.screenshot(clip=within))) <= 9  # type: ignore[arg-type]
