"""The scores beside the heatmap: worked out by the page from the weights, and equal to the server's."""

import re

import pytest
from playwright.sync_api import expect

from .conftest import Headscope
from .test_scores import ask

TEXT = "The old bird spoke. The old bird sang, and a white horse listened to the old bird."
SHOWN = {"minilm": ["previous", "next", "self", "first", "delimiter"], "gpt2-mini": ["previous", "self", "first"]}
HEADS = {"minilm": [(0, 0), (2, 7), (3, 5), (4, 11), (5, 2)], "gpt2-mini": [(0, 1), (1, 3), (2, 6), (3, 0)]}


@pytest.mark.parametrize("model", SHOWN)
def test_the_scores_beside_the_heatmap_equal_those_of_the_server(headscope: Headscope, model: str) -> None:
    page = headscope.open(model=model, text=TEXT, layer=0, head=0).page
    scores = {score["name"]: score for score in ask(headscope, "scores", model=model, text=TEXT)["scores"]}
    rows = page.locator("#facts tr:visible")
    for layer, head in HEADS[model]:
        headscope.choose(layer, head)
        values = {name: scores[name]["values"][layer][head] for name in SHOWN[model]}
        expect(rows).to_have_text(
            [re.compile(rf"{scores[name]['title']}\s+{value:.3f}\s*$") for name, value in values.items()]
        )
        widths = [float(width) for width in page.eval_on_selector_all("#facts tr:not([hidden]) .bar", BARS)]
        assert widths == pytest.approx([100 * value for value in values.values()], abs=0.01)
        entropy = scores["entropy"]["values"][layer][head]
        expect(page.locator("#facts .bits")).to_have_text(f"{entropy:.2f} bits")
        expect(page.locator("#facts .count")).to_have_text(f"{2**entropy:.1f}")


BARS = r"all => all.map(bar => /([\d.]+)%/.exec(bar.style.width)[1])"


def test_each_score_has_its_definition(headscope: Headscope) -> None:
    page = headscope.open(text=TEXT, layer=2, head=3).page
    scores = {score["name"]: score for score in ask(headscope, "scores", text=TEXT)["scores"]}
    for row in page.locator("#facts tr").all():
        score = scores[row.get_attribute("data-score") or ""]
        formula = re.sub("A_i,?(i−1|i[+]1|[ij0])", r"A[i, \1]", score["formula"])
        letters = "A[i, j] is the weight that query i gives to key j."
        expect(row.locator(".defined")).to_have_attribute("title", f"{formula}: {score['choice']}. {letters}")


def test_beside_words_and_effects_no_scores_are_shown(headscope: Headscope) -> None:
    page = headscope.open(text=TEXT, layer=2, head=3).page
    facts, table = page.locator("#facts .note"), page.locator("#facts table")
    expect(table).to_be_visible()
    page.get_by_role("button", name="words", exact=True).click()
    expect(facts).to_contain_text("scores are defined for tokens")
    expect(table).to_be_hidden()
    page.get_by_role("button", name="words", exact=True).click()
    expect(table).to_be_visible()
    page.get_by_role("button", name="effect", exact=True).click()
    expect(facts).to_contain_text("The heatmap shows effects")
    expect(table).to_be_hidden()
