"""Nothing of the page, its charts or its documents comes from another host, and nothing is sent to one."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from .conftest import SENTENCE, Headscope

PANELS = ("scores", "similar heads", "across layers")


def open_panel(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    page.locator(".panel:not([hidden]) .main-svg").first.wait_for()


@pytest.mark.fault(34)
def test_every_part_of_the_page_comes_from_its_own_server(headscope: Headscope) -> None:
    hosts: dict[str, int] = {}

    def count(url: str) -> None:
        if url.startswith("http"):
            hosts[urlsplit(url).netloc] = hosts.get(urlsplit(url).netloc, 0) + 1

    headscope.page.on("request", lambda request: count(request.url))
    page = headscope.open(text=SENTENCE, layer=0, head=0).page
    for name in PANELS:
        open_panel(page, name)
    page.get_by_role("button", name="zoom in").click()
    page.get_by_role("button", name="table", exact=True).click()
    page.get_by_label("find in the text").fill("the")
    expect(page.locator("#strip .find output")).to_have_text("2")
    assert list(hosts) == [urlsplit(headscope.server).netloc]
    assert hosts.popitem()[1] > 90


@pytest.mark.fault(32)
def test_no_chart_offers_to_send_its_data_to_the_cloud(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0).page
    for name in PANELS:
        open_panel(page, name)
        drawn = page.locator("#heatmap .js-plotly-plot, .panel:not([hidden]) .js-plotly-plot")
        expect(drawn).to_have_count(2)
        contexts = drawn.evaluate_all("all => all.map(({_context: c}) => [c.showSendToCloud, c.displaylogo])")
        assert contexts == [[False, False]] * 2
    expect(page.locator(".modebar")).to_have_count(0)


@pytest.mark.fault(33, 34)
def test_the_documentation_of_the_api_is_served_from_here(headscope: Headscope) -> None:
    page = headscope.page
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    answer = page.goto(f"{headscope.server}/docs")
    assert answer is not None
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    expect(page.locator("#operations-models-load_api_v1_models_load_post")).to_be_visible()
    assert hosts - {""} == {urlsplit(headscope.server).netloc}  # Swagger UI has its icons in data: addresses
