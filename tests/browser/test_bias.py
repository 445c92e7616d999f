"""The bias that a model adds to its scores, as a heatmap."""

import re

from encoder_decoders import TARGET, TEXT
from playwright.sync_api import Browser, expect

from .conftest import SENTENCE, Headscope, colours
from .waiting import until

GIVEN = {"text": TEXT, "target": TARGET, "layer": 1, "head": 2}


def test_the_bias_of_a_head_is_white_at_0_and_says_its_numbers(translator: Headscope, browser: Browser) -> None:
    page = translator.open(**GIVEN).page
    page.get_by_role("button", name="bias", exact=True).click()
    translator.expect_url("show=bias")
    expect(page.locator("#heatmap .cbtitle, #heatmap .colorbar text").last).to_be_attached()
    until(page, lambda: page.locator("#heatmap .plot").evaluate("plot => plot.data[0].zmin") == -1)
    z = page.locator("#heatmap .plot").evaluate("plot => plot.data[0].z")
    assert {z[at][at] for at in range(len(z))} == {z[0][0]}  # the distance alone decides
    assert min(map(min, z)) < 0 < max(map(max, z))
    expect(translator.point_at(0, 3, len(z))).to_contain_text(re.compile(r"^bias of .* for .*: -?\d"))
    expect(page.locator("#facts .note")).to_contain_text("shows a bias")
    found = colours(browser, translator.screenshot_of(0, 0, 1, 1))
    assert any(red < blue for red, _, blue in map(rgb, found))
    assert any(red > blue for red, _, blue in map(rgb, found))
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG").click()
    assert any(red < blue - 40 for red, _, blue in map(rgb, colours(browser, download.value.path().read_bytes())))


def rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = map(int, re.findall(r"\d+", colour)[:3])
    return red, green, blue


def test_cross_attention_has_no_bias_and_the_page_shows_weights_instead(translator: Headscope) -> None:
    page = translator.open(**GIVEN, show="bias", stack="decoder").page
    button = page.get_by_role("button", name="bias", exact=True)
    expect(button).to_have_attribute("aria-pressed", "true")
    page.locator(".stacks label", has_text="cross").click()
    expect(page.locator("#notice")).to_contain_text("There is no bias in this layer of cross of local:t5")
    expect(button).to_be_disabled()
    translator.expect_url_without("show=")
    # It has raw scores.
    page.get_by_role("button", name="raw scores").click()
    expect(page.locator("#heatmap .plot")).to_contain_text("raw score")
    translator.expect_url("show=raw")
    page.get_by_role("button", name="weights").click()
    expect(page.get_by_role("button", name="weights")).to_have_attribute("aria-pressed", "true")


def test_models_without_a_bias_have_no_button_for_it(translator: Headscope) -> None:
    page = translator.open(model="gpt2-mini", text=SENTENCE, show="bias").page
    expect(page.locator("#notice")).to_contain_text("There is no bias")
    expect(page.locator("[data-show=bias], [data-show=raw]")).to_have_count(0)
    page.select_option("#model", "local:t5")
    expect(page.locator("[data-show=bias]")).to_be_visible()
    page.select_option("#model", "local:bart")
    expect(page.locator("[data-show=bias]")).to_be_hidden()
