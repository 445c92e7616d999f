"""The basic use of the page, in a real browser with a real server and its default model."""

import json
import re
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import expect

from .conftest import SENTENCE, TOKENS, Headscope
from .waiting import Held, saying


def weights(server: str, text: str, layer: int, head: int) -> list[list[float]]:
    """The same head from the API, to compare the page with."""
    body = json.dumps({"text": text, "model": "minilm"}).encode()
    asked = Request(f"{server}/api/v1/captures", body, {"Content-Type": "application/json"})
    with urlopen(asked) as answer:
        capture = json.load(answer)["id"]
    with urlopen(f"{server}/api/v1/captures/{capture}/heads/{layer}/{head}?format=json") as answer:
        values: list[list[float]] = json.load(answer)["values"]
    return values


def test_a_first_visit_runs_an_example_sentence(headscope: Headscope) -> None:
    page = headscope.open().page
    first = page.locator(".examples button").first
    expect(first).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#text")).to_have_value(first.get_attribute("data-text") or "")
    expect(page.locator("#look-for")).to_have_text(first.get_attribute("data-look-for") or "")
    expect(page.locator("#status")).to_have_text(re.compile(r"^\d+ tokens, 72 heads, [\d.]+ m?s$"))
    expect(page.locator("#model")).to_have_text(re.compile(r"minilm\s+6 × 12\s+ready"))
    expect(page.get_by_role("gridcell")).to_have_count(72)
    headscope.expect_url(r"#model=minilm&text=.+&layer=\d&head=\d+$")


def test_the_grid_is_shown_before_plotly_has_loaded(headscope: Headscope) -> None:
    page = headscope.page
    plotly = Held(page, "**/vendor/**/plotly*")
    page.goto(headscope.server)
    page.locator('#grid [role="gridcell"][aria-selected="true"]').wait_for()
    expect(page.locator("#grid canvas").first).not_to_have_js_property("width", 1)
    plotly.first()
    expect(page.locator("#heatmap .main-svg")).to_have_count(0)
    plotly.let_go()
    page.locator("#heatmap .main-svg").first.wait_for()


def test_hovering_over_a_head_names_it_and_a_click_chooses_it(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0).page
    page.hover(headscope.cell(2, 4))
    expect(page.locator("#grid .tip")).to_have_text("layer 2, head 4")
    expect(page.locator("#grid .tip canvas")).to_be_visible()
    headscope.choose(2, 4)
    headscope.expect_chosen(2, 4)
    headscope.expect_url("layer=2&head=4$")


def test_arrow_keys_choose_heads(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0).page
    page.focus(headscope.cell(0, 0))
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    page.get_by_role("heading", name="Layer 0, head 2").wait_for()
    headscope.expect_chosen(0, 2)
    expect(page.locator(headscope.cell(0, 2))).to_be_focused()
    # The grid is one tab stop, whichever head is chosen.
    expect(page.locator('#grid [role="gridcell"][tabindex="0"]')).to_have_count(1)


def test_home_and_end_with_ctrl_choose_the_first_and_the_last_head(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=2, head=4).page
    page.focus(headscope.cell(2, 4))
    for keys, place in (("End", (2, 11)), ("Control+Home", (0, 0)), ("PageDown", (5, 0)), ("Control+End", (5, 11))):
        page.keyboard.press(keys)
        expect(page.locator(headscope.cell(*place))).to_have_attribute("aria-selected", "true")
        expect(page.locator(headscope.cell(*place))).to_be_focused()


def test_one_word_has_scores_and_no_largest_weight(headscope: Headscope) -> None:
    facts = headscope.open(text="a", layer=0, head=0).page.locator("#facts")
    expect(facts.get_by_role("rowheader")).to_have_text(
        ["previous token", "next token", "itself", "first token", "delimiters"]
    )
    expect(facts).not_to_contain_text("Largest weight")


def test_hovering_over_a_cell_shows_query_key_and_weight(headscope: Headscope) -> None:
    headscope.open(text=SENTENCE, layer=3, head=5)
    values = weights(headscope.server, SENTENCE, 3, 5)
    for query, key in ((6, 3), (3, 6), (0, 8)):
        tip = headscope.point_at(query, key, of=9)
        expect(tip).to_have_text(saying(f'"{TOKENS[query]}"({query}) attends to "{TOKENS[key]}"({key}): ', more=""))
        number = tip.inner_text().rsplit(": ", 1)[1]
        assert float(number) == pytest.approx(values[query][key], abs=5e-4)


def test_rows_are_queries_from_the_top_and_the_axes_are_labelled(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0).page
    headscope.expect_labels(TOKENS)
    tops = [label.bounding_box()["y"] for label in page.locator("#heatmap .ytick text").all()]  # type: ignore[index]
    assert tops == sorted(tops)
    expect(page.locator("#heatmap .xtitle")).to_have_text("key: the token attended to")
    expect(page.locator("#heatmap .ytitle")).to_have_text("query: the token that attends")


def test_cells_can_be_read_with_the_keyboard(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=3, head=5).page
    page.focus("#heatmap .stage")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    expect(page.locator("#heatmap .tip")).to_have_text(saying('"the"(1) attends to "the"(1): ', more=""))
    page.keyboard.press("+")
    headscope.expect_url("rows=")
    page.keyboard.press("0")
    headscope.expect_url_without("rows=")


def test_every_example_shows_what_to_look_for_and_runs(headscope: Headscope) -> None:
    page = headscope.open().page
    for example in page.locator(".examples button").all():
        example.hover()
        expect(page.locator("#look-for")).to_have_text(example.get_attribute("data-look-for") or "?")
    last = page.locator(".examples button").last
    last.click()
    expect(page.locator("#text")).to_have_value(last.get_attribute("data-text") or "?")
    page.mouse.move(0, 0)
    expect(page.locator("#look-for")).to_have_text(last.get_attribute("data-look-for") or "?")


def test_the_heatmap_can_be_downloaded(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=3, head=5).page
    for kind, begins in (("npy", b"\x93NUMPY"), ("json", b"{"), ("png", b"\x89PNG")):
        with page.expect_download() as download:
            page.click(f'[data-export="{kind}"]')
        assert download.value.suggested_filename == f"minilm-layer3-head5.{kind}"
        assert download.value.path().read_bytes().startswith(begins)
