"""What the page does when something is wrong with the text, the server or the connection."""

import re
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import SENTENCE, Complaints, Headscope


@pytest.fixture
def too_long(headscope: Headscope, complaints: Complaints) -> Headscope:
    """The page after a text of 602 tokens."""
    complaints.expect("422")
    headscope.open(text=SENTENCE).run("word " * 600)
    return headscope


def test_a_refusal_is_shown_in_the_servers_words_right_under_the_box(too_long: Headscope) -> None:
    page = too_long.page
    error, box = page.get_by_role("alert"), page.locator("#text")
    expect(error).to_have_text(re.compile(r"602.*512"))
    expect(box).to_have_attribute("aria-invalid", "true")
    expect(box).to_have_accessible_description(re.compile(r"602.*512"))
    expect(page.locator("#model")).to_have_attribute("aria-invalid", "false")
    said, typed = error.bounding_box(), box.bounding_box()
    assert said is not None
    assert typed is not None
    assert said["x"] == pytest.approx(typed["x"], abs=2)
    assert 0 <= said["y"] - typed["y"] - typed["height"] < 12
    expect(page.locator("#retry")).to_be_hidden()
    expect(page.locator("#heatmap .empty")).to_have_text("No map: see the message above.")
    too_long.run(SENTENCE)
    expect(error).to_have_text("")
    expect(box).to_have_attribute("aria-invalid", "false")


def test_a_lost_connection_can_be_tried_again(headscope: Headscope, complaints: Complaints) -> None:
    complaints.expect("ERR_FAILED")
    page = headscope.page
    page.route("**/api/v1/captures?*", lambda route: route.abort())
    page.goto(headscope.server)
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    page.unroute("**/api/v1/captures?*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#status")).to_contain_text("72 heads")
    expect(page.locator("#retry")).to_be_hidden()


def test_the_old_picture_stands_by_while_a_new_text_runs(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0).page
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route("**/api/v1/captures?*", hold)
    headscope.run("Another")
    views = page.locator(".views")
    expect(views).to_have_attribute("aria-busy", "true")
    sections = page.locator(".views section:not([inert])")
    expect(sections).to_have_count(0)
    page.mouse.click(*middle(page, headscope.cell(3, 3)))
    assert headscope.chosen == (0, 0)
    waiting[0].continue_()
    expect(sections).to_have_count(4)


def middle(page: Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_capture_that_was_evicted_comes_back_by_itself(headscope: Headscope, complaints: Complaints) -> None:
    complaints.expect("404")
    page = headscope.open(text="Soon forgotten", layer=0, head=0).page
    link = page.locator('[data-export="npy"]').get_attribute("href") or ""
    capture = link.split("/heads/")[0]
    with urlopen(Request(headscope.server + capture, method="DELETE")) as answer:
        assert answer.status == 204
    headscope.choose(4, 7)
    expect(page.get_by_role("alert")).to_have_text("")


def test_a_text_that_is_too_long_is_cut_where_the_reader_asks_for_it(too_long: Headscope) -> None:
    page = too_long.page
    page.get_by_role("button", name="Cut its end off").click()
    expect(page.locator("#status")).to_contain_text("512 tokens (90 more cut off), 72 heads", timeout=60_000)
    assert "truncate=1" in page.url
    expect(page.get_by_role("button", name="Cut its end off")).to_be_hidden()
    too_long.run(SENTENCE)
    expect(page.locator("#status")).to_contain_text("9 tokens, 72 heads")
    assert "truncate" not in page.url


def test_no_text_is_an_honest_nothing(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE).page
    headscope.run("   ")
    expect(page.locator("#heatmap .empty")).to_contain_text("No text yet")
    expect(page.get_by_role("button", name="PNG")).to_be_disabled()
    expect(page.locator("#facts")).to_be_hidden()
    headscope.run(SENTENCE)
    page.locator("#heatmap .main-svg").first.wait_for()
    expect(page.locator("#facts")).to_be_visible()


def test_the_longest_text_stays_usable(headscope: Headscope) -> None:
    page = headscope.open(text="word " * 510, layer=2, head=3).page
    expect(page.locator("#status")).to_contain_text("512 tokens")
    assert 5 < len(headscope.labels) < 60
    # More tokens than the picture is pixels high.
    assert headscope.point_at(400, 20, of=512).startswith("queries 400–401, keys 20: maximum ")
    page.focus("#heatmap .stage")
    for _ in range(5):
        page.keyboard.press("+")
    expect(page.locator("#heatmap .ytick text")).to_have_text(
        [re.compile("^[\u2066-\u2069]*word[\u2066-\u2069]*$")] * 16
    )


def test_markup_is_shown_and_not_obeyed(headscope: Headscope) -> None:
    text = "<script>boom()</script> <s> &amp;"  # short enough for a label at every token
    page = headscope.open(text=text, layer=0, head=0).page
    assert page.locator("#heatmap img, #grid img, main script").count() == 0
    assert "<" in headscope.labels
    assert "&" in headscope.labels
    page.hover(headscope.cell(0, 1))
    assert headscope.point_at(1, 1, of=len(headscope.labels)).startswith('"<"(1) attends to "<"(1)')
