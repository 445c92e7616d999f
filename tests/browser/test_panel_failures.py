"""A panel, or the scores of the grid, that failed to load: what the page says, and how it is tried again."""

import re

import pytest
from playwright.sync_api import Route, expect

from .conftest import SENTENCE, Complaints, Headscope
from .test_scores import CELLS, TWICE
from .waiting import until


def test_a_panel_that_did_not_load_can_be_tried_again(with_clock: Headscope, complaints: Complaints) -> None:
    page = with_clock.open(text=SENTENCE, layer=0, head=0).page
    complaints.expect("net::ERR_FAILED")
    tried: list[str] = []

    def refuse(route: Route) -> None:
        tried.append(route.request.url.rpartition("/")[2].partition("v=")[0])
        route.abort()

    page.route("**/panels/panels.js*", refuse)
    page.route("**/api/v1/**", refuse)
    page.get_by_role("button", name="scores", exact=True).click()
    expect(page.locator("#scores .message")).to_contain_text("could not be loaded")
    page.clock.run_for(60_000)  # meanwhile nothing is tried again by itself
    page.locator("#scores .retry").click()
    until(page, lambda: len(tried) >= 3)
    assert tried == ["panels.js", "panels.js?attempt=1", "models"]
    expect(page.locator("#scores .message")).to_contain_text("could not be loaded")
    page.unroute("**/api/v1/**")
    page.unroute("**/panels/panels.js*")
    page.locator("#scores .retry").click()
    page.locator("#scores .nsewdrag").wait_for()
    expect(page.locator("#scores .message")).to_have_text("")
    expect(page.locator("#error")).to_have_text("")


@pytest.mark.parametrize("module", ["panels", "scores"])
def test_a_panel_that_did_not_load_is_loaded_after_the_next_run(
    headscope: Headscope, complaints: Complaints, module: str
) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0).page
    complaints.expect("net::ERR_FAILED")
    page.route(f"**/panels/{module}.js*", lambda route: route.abort())
    page.get_by_role("button", name="scores", exact=True).click()
    expect(page.locator("#scores .message")).to_contain_text("could not be loaded")
    page.unroute(f"**/panels/{module}.js*")
    headscope.run(TWICE)
    page.locator("#scores .nsewdrag").wait_for()
    expect(page.locator("#scores .message")).to_have_text("")
    expect(page.locator("#scores .retry")).to_be_hidden()


def test_trying_again_loads_only_the_part_of_a_panel_that_failed(headscope: Headscope, complaints: Complaints) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0, score="previous").page
    expect(page.locator(CELLS).first).to_have_attribute("aria-label", re.compile("rank"))
    complaints.expect("net::ERR_FAILED")
    page.route("**/panels/scores.js*", lambda route: route.abort())
    page.get_by_role("button", name="scores", exact=True).click()
    expect(page.locator("#scores .message")).to_contain_text("could not be loaded")
    page.unroute("**/panels/scores.js*")
    page.locator("#scores .retry").click()
    page.locator("#scores .nsewdrag").wait_for()
    expect(page.locator("#scores .message")).to_have_text("")


def test_trying_again_reloads_the_page_if_the_module_still_does_not_load(
    headscope: Headscope, complaints: Complaints
) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0).page
    complaints.expect("net::ERR_FAILED")
    page.route("**/panels/panels.js*", lambda route: route.abort())
    page.get_by_role("button", name="scores", exact=True).click()
    expect(page.locator("#scores .message")).to_contain_text("could not be loaded")
    with page.expect_event("load"):
        page.locator("#scores .retry").click()
    page.unroute("**/panels/panels.js*")
    page.reload()
    page.locator("#scores .nsewdrag").wait_for()
    expect(page.locator("#heatmap h2")).to_have_text("Layer 0, head 0")


def test_scores_that_failed_while_the_server_was_down_can_be_tried_again(
    headscope: Headscope, complaints: Complaints
) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0).page
    complaints.expect("net::ERR_FAILED")
    page.route("**/api/v1/**", lambda route: route.abort())
    page.get_by_label("colour by").select_option("previous")
    message = page.locator("#grid .ranking .message")
    expect(message).to_have_text("Failed: the server does not answer; is headscope still running?")
    page.unroute("**/api/v1/**")
    page.locator("#grid .ranking .retry").click()
    expect(page.locator(CELLS).first).to_have_attribute("aria-label", re.compile("rank"))
    expect(message).to_have_text("")
