"""Controls that have nothing to do, and messages beside controls, which move nothing."""

import pytest
from playwright.sync_api import Locator, expect

from .conftest import SENTENCE, Headscope

ONCE = "The old bird spoke to a horse"


def top(place: Locator) -> float:
    return place.evaluate("one => one.getBoundingClientRect().top + scrollY")


def right(place: Locator) -> float:
    return place.evaluate("one => one.getBoundingClientRect().right")


def test_a_panel_that_was_open_when_the_text_was_emptied_can_be_closed(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, score="previous", panel="scores").page
    probe = page.get_by_role("button", name="induction probe")
    expect(probe).to_be_enabled()
    headscope.run("")
    expect(page.locator("#status")).to_have_text("The text box is empty.")
    for control in (probe, page.locator("#sort"), page.locator("#top"), page.get_by_label("colour by")):
        expect(control).to_be_disabled()
    page.get_by_role("button", name="scores", exact=True).click()
    expect(page.locator("#scores")).to_be_hidden()
    expect(page.get_by_role("button", name="scores", exact=True)).to_be_disabled()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_score_that_is_not_defined_says_why_without_a_bar_and_moves_nothing(headscope: Headscope, width: int) -> None:
    page = headscope.page
    page.set_viewport_size({"width": width, "height": 900})
    headscope.open(model="gpt2-mini", text=ONCE)
    before = top(page.locator("#grid .heads"))
    page.get_by_label("colour by").select_option("duplicate")
    expect(page.locator("#grid .message")).to_have_text("Not defined for this text: no token occurs twice.")
    assert top(page.locator("#grid .heads")) == before
    expect(page.locator("#grid [role=gridcell]").first).to_have_attribute(
        "aria-label", "layer 0, head 0, duplicate token: not defined"
    )
    expect(page.locator("#grid .scored")).to_have_count(0)
    expect(page.locator("#sort")).to_be_hidden()
    page.get_by_label("colour by").select_option("previous")
    expect(page.locator("#sort")).to_be_visible()
    assert top(page.locator("#grid .heads")) == before


@pytest.mark.parametrize("width", [390, 1280])
def test_the_result_of_a_search_moves_nothing_and_stays_inside_the_margin(headscope: Headscope, width: int) -> None:
    page = headscope.page
    page.set_viewport_size({"width": width, "height": 900})
    headscope.open(model="gpt2-mini", text=ONCE, token=2)
    box, count = page.get_by_label("find in the text"), page.locator("#strip output")
    tokens, following = page.locator("#strip .tokens"), page.get_by_role("button", name="next", exact=True)
    before = [top(tokens), right(following)]
    assert right(following) <= right(tokens)
    for wanted, words in (("zzz", "nothing found"), ("o", "4")):
        box.fill(wanted)
        expect(count).to_have_text(words)
        assert [top(tokens), right(following)] == before
        hint = page.locator("#strip .hint[data-hints]")
        assert hint.evaluate("one => one.scrollHeight - one.clientHeight") <= 0


def test_the_sink_in_the_roles_of_a_head_leads_to_its_definition(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, score="previous").page
    link = page.locator("#facts .roles").get_by_role("link", name="sink", exact=True)
    address = link.get_attribute("href")
    page.goto(f"{headscope.server}{address}")
    expect(page.locator("#sink")).to_have_text("Sink")
