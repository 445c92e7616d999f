"""The panels of similar heads and of attention across layers: rollout and flow."""

import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import SENTENCE, Complaints, Headscope
from .test_scores import ask, click_cell, hovers
from .waiting import Held, saying

TEXTS = "chart => chart.data[0].text.flat()"


def number(words: str) -> float:
    """The weight at the end of a hover text."""
    said = words.rsplit(": ", 1)[1]
    return 0.0005 if said.startswith("<") else float(said)


def changed(page: Page, panel: str, before: list[list[str]]) -> list[list[str]]:
    """The hover texts after they have changed."""
    page.wait_for_function(
        "([panel, before]) => JSON.stringify(document.querySelector(`${panel} .chart`).data?.[0].text) !== before",
        arg=[panel, page.evaluate("JSON.stringify", before)],
    )
    return hovers(page, panel)


@pytest.mark.parametrize(("model", "heads"), [("minilm", 72), ("gpt2-mini", 32)])
def test_similar_heads_are_points_of_a_chart_and_a_click_chooses_one(
    headscope: Headscope, model: str, heads: int
) -> None:
    page = headscope.open(model=model, text=SENTENCE, layer=1, head=1).page
    page.get_by_role("button", name="similar heads").click()
    points = page.locator("#similarity .scatterlayer .point")
    expect(points).to_have_count(heads)
    names = page.locator("#similarity .chart").evaluate(TEXTS)
    # The point with the largest distance to its neighbours, so that the pointer hits no other.
    alone = page.locator("#similarity .chart").evaluate(
        """({ data: [{ x, y }] }) => {
          const room = x.map((_, at) => Math.min(...x.flatMap((_, other) =>
            other === at ? [] : Math.hypot(x[at] - x[other], y[at] - y[other]))));
          return room.indexOf(Math.max(...room));
        }"""
    )
    points.nth(alone).scroll_into_view_if_needed()
    box = points.nth(alone).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("#similarity .hovertext")).to_have_text(names[alone])
    page.mouse.down()
    page.mouse.up()
    expect(page.locator("#heatmap h2")).to_have_text(names[alone].capitalize())
    expect(page.locator("#similarity h3").first).to_have_text(f"Most similar to {names[alone]}")


def test_the_heads_most_similar_to_the_chosen_one_are_listed_with_their_distance(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=3, head=5, panel="similarity").page
    items = page.locator("#similarity .words > ul > li")
    expect(items).to_have_count(5)
    found = ask(headscope, "similarity")["jensen_shannon"][3 * 12 + 5]
    bits, nearest = min((bits, at) for at, bits in enumerate(found) if at != 3 * 12 + 5)
    expect(items.first).to_contain_text(f"layer {nearest // 12}, head {nearest % 12}: divergence {bits:.3f} bits")
    items.first.get_by_role("button").click()
    expect(page.locator("#heatmap h2")).to_have_text(f"Layer {nearest // 12}, head {nearest % 12}")
    page.get_by_text("low rank").click()
    expect(page.locator("#similarity details[open]")).to_contain_text("effective rank below")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_legend_of_similar_heads_has_a_number_for_each_layer_beside_or_below_the_points(
    headscope: Headscope, width: int
) -> None:
    page = headscope.page
    page.set_viewport_size({"width": width, "height": 844})
    headscope.open(text=SENTENCE, layer=1, head=1, panel="similarity")
    legend = page.locator("#similarity .colorbar")
    expect(legend.locator(".cbtitle text")).to_have_text("layer")
    expect(legend.locator(".cbaxis text")).to_have_text(["0", "1", "2", "3", "4", "5"])
    expect(page.locator("#similarity .legend")).to_have_count(0)
    bar, points = legend.locator(".cbfills").bounding_box(), page.locator("#similarity .nsewdrag").bounding_box()
    assert bar is not None
    assert points is not None
    if width < 600:
        assert bar["y"] >= points["y"] + points["height"]
    else:
        assert bar["x"] >= points["x"] + points["width"]


@pytest.mark.parametrize("model", ["minilm", "gpt2-mini"])
def test_a_rollout_covers_the_chosen_layers(headscope: Headscope, model: str) -> None:
    page = headscope.open(model=model, text=SENTENCE, layer=1, head=1).page
    page.get_by_role("button", name="across layers").click()
    page.locator("#rollout .nsewdrag").wait_for()
    whole = hovers(page, "#rollout")
    values = ask(headscope, "rollout", model=model)["values"]
    assert number(whole[3][1]) == pytest.approx(values[3][1], abs=0.0005)
    page.get_by_label("from layer").fill("2")
    page.keyboard.press("Tab")
    later = changed(page, "#rollout", whole)
    values = ask(headscope, "rollout?start=2", model=model)["values"]
    assert number(later[3][1]) == pytest.approx(values[3][1], abs=0.0005)
    page.get_by_label("residual stream").fill("90")
    page.keyboard.press("Tab")
    stays = changed(page, "#rollout", later)
    assert number(stays[3][3]) > number(later[3][3])
    headscope.expect_url("panel=rollout&start=2&residual=90$")
    # A row of the rollout is a token of the text.
    click_cell(page, "#rollout", 2, 1, of=(len(values), len(values)))
    expect(page.locator("#strip .tokens [data-token='2']")).to_have_attribute("aria-pressed", "true")


def test_while_the_heatmap_shows_words_a_click_on_the_rollout_pins_nothing(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=1, head=1, panel="rollout", words=1).page
    page.locator("#rollout .nsewdrag").wait_for()
    click_cell(page, "#rollout", 2, 1, of=(9, 9))
    page.get_by_role("button", name="words", exact=True).click()
    page.mouse.move(0, 0)
    click_cell(page, "#rollout", 4, 1, of=(9, 9))
    # Of the two clicks, only the one that came after the words has pinned a token.
    expect(page.locator("#strip [data-token='4']")).to_have_attribute("aria-pressed", "true")
    page.go_back()
    expect(page.get_by_role("button", name="words", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#strip [aria-pressed='true']")).to_have_count(0)
    headscope.expect_url_without("token")


def test_invalid_layers_are_reported_and_no_chart_of_others_is_shown(
    headscope: Headscope, complaints: Complaints
) -> None:
    complaints.expect("422")
    page = headscope.open(text=SENTENCE, layer=1, head=1, panel="similarity").page
    page.locator("#similarity .point").first.wait_for()
    page.get_by_role("button", name="across layers").click()
    page.locator("#rollout .nsewdrag").wait_for()
    page.get_by_label("to layer").fill("1")
    page.get_by_label("from layer").fill("4")
    page.keyboard.press("Tab")
    said = page.locator("#rollout .message")
    expect(said).to_contain_text("start must not be after layer")
    expect(page.locator("#rollout .nsewdrag")).to_have_count(0)
    expect(page.get_by_role("button", name="show flow")).to_be_disabled()
    page.get_by_role("button", name="similar heads").click()
    expect(page.locator("#similarity .message")).to_have_text("")
    page.get_by_role("button", name="across layers").click()
    page.get_by_label("to layer").fill("5")
    page.keyboard.press("Tab")
    page.locator("#rollout .nsewdrag").wait_for()
    expect(said).to_have_text("")


def test_the_flow_replaces_the_rollout(headscope: Headscope) -> None:
    page = headscope.open(text="The cat sat.", layer=1, head=1, panel="rollout").page
    page.locator("#rollout .nsewdrag").wait_for()
    rollout = hovers(page, "#rollout")
    page.get_by_role("button", name="show flow").click()
    found = changed(page, "#rollout", rollout)
    values = ask(headscope, "flow", text="The cat sat.", start=0)["values"]
    assert number(found[2][1]) == pytest.approx(values[2][1], abs=0.0005)
    expect(page.locator("#rollout .formula")).to_contain_text("maximum flow")
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    expect(page.locator("#rollout .message")).to_have_text("")
    page.get_by_role("button", name="show rollout").click()
    assert changed(page, "#rollout", found) == rollout
    page.get_by_role("button", name="show flow").click()
    expect(page.locator("#rollout .formula")).to_contain_text("maximum flow")
    headscope.expect_url("flow=1")


def test_a_flow_can_be_stopped_and_a_new_text_ends_it_without_an_error(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=1, head=1, panel="rollout").page
    page.locator("#rollout .nsewdrag").wait_for()
    flows = Held(page, "**/flow")
    flow, stop = page.get_by_role("button", name="show flow"), page.get_by_role("button", name="Stop")
    flow.click()
    flows.first()
    stop.click()
    expect(page.locator("#rollout .message")).to_have_text("")
    headscope.expect_url_without("flow")
    expect(stop).to_be_hidden()
    expect(page.locator("#rollout .formula")).to_contain_text("Multiply the layers")
    flow.click()
    expect(stop).to_be_visible()
    flows.first(2)
    run = Held(page, "**/captures?*")
    headscope.run("Something else")
    expect(stop).to_be_hidden()
    expect(page.locator("#status")).to_have_text("running …")
    run.let_go()
    expect(page.locator("#status")).to_contain_text("4 tokens")
    expect(page.locator("#rollout .ytick text")).to_have_count(4)
    expect(page.locator("#error")).to_have_text("")
    expect(page.locator("#rollout .ytick text").nth(1)).to_have_text(saying("something"))
    assert (len(flows.routes), len(run.routes)) == (2, 1)
    expect(page.locator("#rollout .message")).not_to_have_text(re.compile("flow"))
