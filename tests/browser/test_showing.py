"""Words instead of tokens, effects instead of weights, and the state in the address."""

import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import SENTENCE, Complaints, Headscope, listen
from .test_scores import CELLS, LABELS, ask, hovers
from .waiting import saying, until

LONG = "Unbelievably overwhelming."
WORDS = ["[CLS]", "Unbelievably", "overwhelming", ".", "[SEP]"]  # as in the text, although the model has no capitals


def expect_pressed(page: Page, buttons: list[str]) -> None:
    expect(page.locator("#heatmap .display button[aria-pressed='true']")).to_have_text(buttons)


@pytest.mark.parametrize(("model", "words"), [("minilm", WORDS), ("gpt2-mini", ["Unbelievably", "·overwhelming", "."])])
def test_a_heatmap_of_words_has_the_axes_and_weights_of_the_server(
    headscope: Headscope, model: str, words: list[str]
) -> None:
    page = headscope.open(model=model, text=LONG, layer=2, head=3, rows="0:2", token=1).page
    page.get_by_role("button", name="words", exact=True).click()
    headscope.expect_labels(words)
    expect(page.locator("#strip .tokens button")).to_have_text([saying(word) for word in words])
    # Window and pinned token are positions of tokens, not of words.
    headscope.expect_url("&layer=2&head=3&words=1$")
    values = ask(headscope, "heads/2/3?words=true", model=model, text=LONG)["values"]
    key = words.index(next(word for word in words if "nbelievably" in word))
    query = key + 1
    said = f'"{words[query]}"({query}) attends to "{words[key]}"({key}): {values[query][key]:.3f}'
    expect(headscope.point_at(query, key, of=len(words))).to_have_text(saying(said))
    page.go_back()
    expect(page.locator("#strip .tokens [data-token='1']")).to_have_attribute("aria-pressed", "true")
    headscope.expect_url("&rows=0%3A2&token=1$")
    expect(page.locator("#heatmap .ytick text")).to_have_count(2)


def test_heads_can_be_chosen_quickly_while_the_heatmap_shows_words(headscope: Headscope) -> None:
    page = headscope.open(text=LONG, layer=0, head=0, words=1).page
    page.focus(headscope.cell(0, 0))
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#heatmap h2")).to_have_text("Layer 0, head 8")
    headscope.expect_labels(WORDS)


@pytest.mark.parametrize("model", ["minilm", "gpt2-mini"])
def test_effects_are_those_of_the_server_for_a_head_and_for_its_layer(headscope: Headscope, model: str) -> None:
    page = headscope.open(model=model, text=SENTENCE, layer=2, head=3).page
    page.get_by_role("button", name="effect", exact=True).click()
    expect(page.locator("#facts")).to_contain_text("The heatmap shows effects")
    size = page.locator("#heatmap .ytick text").count()

    def effect(part: str) -> str:
        return f"{ask(headscope, part, model=model)['values'][4][1]:#.3g}"

    of_head, of_layer = effect("heads/2/3?quantity=norm"), effect("norms/2")
    expect(headscope.point_at(4, 1, of=size)).to_have_text(re.compile(f" {re.escape(of_head)}$"))
    expect(page.locator("#heatmap .tip")).to_contain_text("effect of ")
    expect(page.get_by_role("button", name="words", exact=True)).to_be_disabled()
    page.get_by_role("button", name="effect of layer").click()
    expect(page.locator("#heatmap h2")).to_have_text("Layer 2, all heads")
    assert of_layer != of_head
    expect(headscope.point_at(4, 1, of=size)).to_have_text(re.compile(f" {re.escape(of_layer)}$"))
    headscope.expect_url("&show=layer$")
    page.go_back()
    expect(page.locator("#heatmap h2")).to_have_text("Layer 2, head 3")
    page.go_back()
    expect(page.locator("#facts")).not_to_contain_text("The heatmap shows effects")
    expect_pressed(page, ["weights"])


def test_a_table_of_effects_has_their_lengths_and_is_labelled(headscope: Headscope) -> None:
    page = headscope.open(text="Hi there", layer=2, head=3, show="effect").page
    page.get_by_role("button", name="table", exact=True).click()
    rows = page.locator("#heatmap tbody tr")
    expect(rows).to_have_count(16)
    longest = max(max(row) for row in ask(headscope, "heads/2/3?quantity=norm", text="Hi there")["values"])
    expect(page.locator("#heatmap caption")).to_have_text("16 of 16 effects")
    expect(rows.first.locator(".number")).to_have_text(f"{longest:#.3g}")
    assert float(rows.first.locator(".number").get_attribute("title") or 0) == pytest.approx(longest, rel=1e-6)
    expect(page.get_by_role("columnheader", name="effect")).to_have_attribute("aria-sort", "descending")


def test_downloads_contain_what_the_heatmap_shows(headscope: Headscope) -> None:
    page = headscope.open(text=LONG, layer=2, head=3, words=1).page
    link = page.get_by_role("link", name="JSON")
    expect(link).to_have_attribute("href", re.compile("/heads/2/3[?]words=true&format=json$"))
    page.get_by_role("button", name="effect", exact=True).click()
    expect(link).to_have_attribute("href", re.compile("/heads/2/3[?]quantity=norm&format=json$"))
    page.get_by_role("button", name="effect of layer").click()
    expect(link).to_have_attribute("href", re.compile("/norms/2[?]format=json$"))
    answer = page.request.get(f"{headscope.server}{link.get_attribute('href')}")
    expect(page.locator("#heatmap .ytick text")).to_have_count(len(answer.json()["values"]))


STATE = {"words": "1", "score": "previous", "sort": "1", "top": "10", "panel": "rollout", "start": "1", "upto": "4"}


def test_the_address_holds_the_state_and_shows_another_reader_the_same(
    headscope: Headscope, browser: Browser, complaints: Complaints
) -> None:
    page = headscope.open(text=LONG, layer=2, head=3).page
    page.get_by_role("button", name="words", exact=True).click()
    page.get_by_label("colour by").select_option("previous")
    page.get_by_role("button", name="sort", exact=True).click()
    page.locator("#top").select_option("10")
    page.get_by_role("button", name="across layers").click()
    for name, value in (("from layer", "1"), ("to layer", "4"), ("residual stream", "25")):
        page.get_by_label(name).fill(value)
        page.keyboard.press("Tab")
    address = {"model": "minilm", "text": LONG, "layer": 2, "head": 3, **STATE, "residual": 25}
    expect(page).to_have_url(f"{headscope.server}/#{urlencode(address)}")
    expect(page.locator(CELLS).first).to_have_attribute("aria-label", re.compile("rank 1 of 72"))
    other = browser.new_page(viewport={"width": 1280, "height": 900})
    listen(other, headscope.server, complaints)
    other.goto(page.url)
    other.locator("#rollout .nsewdrag").wait_for()
    expect(other.locator(CELLS).first).to_have_attribute("aria-label", re.compile("rank 1 of 72"))
    expect(other.locator(f"{CELLS}.dimmed")).to_have_count(62)
    assert other.locator(CELLS).evaluate_all(LABELS) == page.locator(CELLS).evaluate_all(LABELS)
    for name, value in (("from layer", "1"), ("to layer", "4"), ("residual stream", "25")):
        expect(other.get_by_label(name)).to_have_value(value)
    until(page, lambda: hovers(other, "#rollout") == hovers(page, "#rollout"))
    for each in (page, other):
        expect_pressed(each, ["words", "weights"])
    Headscope(other, headscope.server).expect_labels(WORDS)
    expect(other).to_have_url(page.url)
    other.close()


def test_a_score_of_the_address_that_does_not_exist_is_left_out(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=2, score="nonsense", sort=1, top=7, panel="scores").page
    expect(page.get_by_role("heading", name="Score of each head: entropy")).to_be_visible()
    page.locator("#scores .nsewdrag").wait_for()
    expect(page.locator(CELLS).first).to_have_attribute("aria-label", "layer 0, head 0")
    expect(page.locator("#notice")).to_have_text("Ignored part of the link: score=nonsense")
    page.get_by_label("colour by").select_option("first")
    page.get_by_role("button", name="sort").click()
    page.get_by_label("top").select_option("5")
    expect(page.locator(CELLS).first).to_have_attribute("aria-label", re.compile("first token .* rank 1 of 72$"))
    expect(page.locator(f"{CELLS}.dimmed")).to_have_count(67)


def test_a_score_that_no_head_has_is_reported_and_not_drawn(headscope: Headscope) -> None:
    page = headscope.open(
        text="one two", model="gpt2-mini", layer=0, head=0, score="signed_distance", sort=1, top=5, panel="scores"
    ).page
    expect(page.locator("#scores .formula")).to_contain_text("No head has this score on this text")
    expect(page.locator("#grid .ranking .message")).to_contain_text("Not defined for causal models")
    expect(page.locator("#scores .nsewdrag")).to_have_count(0)
    expect(page.locator(f"{CELLS}.dimmed")).to_have_count(0)
