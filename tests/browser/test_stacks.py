"""Models with an encoder and a decoder: their three stacks, and the target, which is given or written by the model."""

import re

import pytest
from encoder_decoders import TARGET, TEXT
from playwright.sync_api import Locator, Page, expect

from .conftest import SENTENCE, Headscope
from .test_accessible import violations
from .waiting import saying, until

LENGTHS = {"text": len(TEXT.split()) + 1, "target": len(TARGET.split()) + 1}  # with </s>, and with the start token
GIVEN = {"text": TEXT, "target": TARGET}


def radio(page: Page, stack: str) -> Locator:
    return page.get_by_role("radio", name=stack, exact=True)


def choose(page: Page, stack: str) -> None:
    page.locator(".stacks label", has_text=stack).click()


def expect_heading(page: Page, stack: str) -> None:
    expect(page.locator("#heatmap h2")).to_have_text(re.compile(rf"^{stack} L\d H\d$"))
    expect(page.locator("#heatmap .stage")).to_have_attribute("aria-busy", "false")


def shape(page: Page) -> list[int]:
    """The numbers of queries and keys of the heatmap."""
    return page.locator("#heatmap .plot").evaluate("plot => [plot.data[0].z.length, plot.data[0].z[0].length]")


def labels(page: Page, axis: str) -> Locator:
    return page.locator(f"#heatmap .{axis}tick text")


def test_the_switch_changes_the_grid_and_the_shape_of_the_heatmap(translator: Headscope) -> None:
    page = translator.open(**GIVEN).page
    text, target = LENGTHS["text"], LENGTHS["target"]
    expect(radio(page, "encoder")).to_be_checked()
    expect(page.locator("#grid [role='gridcell']")).to_have_count(8)
    expect_heading(page, "Encoder")
    assert shape(page) == [text, text]
    for stack, size in {"cross": [target, text], "decoder": [target, target]}.items():
        choose(page, stack)
        expect_heading(page, stack.capitalize())
        expect(page.locator("#grid [role='gridcell']")).to_have_count(12)
        until(page, lambda size=size: shape(page) == size)  # type: ignore[misc]
        translator.expect_url(f"stack={stack}")
    expect(page.locator("#grid .masked")).to_be_visible()
    choose(page, "encoder")
    expect_heading(page, "Encoder")
    translator.expect_url_without("stack=")


@pytest.mark.parametrize("model", ["t5", "bart", "marian"])
def test_queries_of_cross_attention_are_the_target_and_keys_the_text(translator: Headscope, model: str) -> None:
    page = translator.open(**GIVEN, model=f"local:{model}", stack="cross", layer=0, head=0).page
    expect(labels(page, "x")).to_have_text([saying(word) for word in [*TEXT.split(), "</s>"]])
    expect(labels(page, "y")).to_have_text([saying(word) for word in ["<pad>", *TARGET.split()]])
    expect(page.locator("#heatmap .ytitle")).to_contain_text("(target)")
    expect(page.locator("#status")).to_contain_text("10 tokens, target of 6 tokens")
    page.get_by_role("button", name="keys as rows").click()
    expect(labels(page, "y").first).to_have_text(saying("the"))
    page.get_by_role("button", name="table", exact=True).click()
    expect(page.locator("#heatmap tbody tr")).to_have_count(60)
    page.get_by_role("button", name="key", exact=True).click()
    expect(page.locator("#heatmap tbody tr td").first).to_have_text(saying('"<pad>"(0)'))


def test_a_cell_names_a_token_of_each_text(translator: Headscope) -> None:
    page = translator.open(**GIVEN, stack="cross", layer=0, head=2).page
    plot = page.locator("#heatmap .plot .nsewdrag").bounding_box()
    assert plot is not None
    page.mouse.move(plot["x"] + plot["width"] * 2.5 / 10, plot["y"] + plot["height"] * 3.5 / 6)
    expect(page.locator("#heatmap .tip")).to_have_text(saying('"saw"(3) attends to "cat"(2): ', ""))


def test_a_token_of_the_target_lights_up_the_text_and_one_of_the_text_the_target(translator: Headscope) -> None:
    page = translator.open(**GIVEN, stack="cross", layer=0, head=2).page
    lines = page.locator("#strip .tokens")
    expect(lines).to_have_count(2)
    target, text = lines.nth(0), lines.nth(1)
    expect(target.locator("button")).to_have_count(LENGTHS["target"])
    readout = page.locator("#strip .readout")
    target.get_by_text("saw").hover()
    expect(readout).to_have_text(saying('"saw"(3) attends to ', ""))
    expect(text.locator("button:not([style*='--weight: 0%'])").first).to_be_visible()
    expect(target.locator("button:not([style*='--weight: 0%'])")).to_have_count(0)
    text.get_by_text("red").click()
    expect(readout).to_have_text(re.compile(r'"\W*red\W*"\(6\) is attended to by '))
    translator.expect_url("token=6&side=key")
    expect(text.get_by_text("red")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#strip [aria-pressed='true']")).to_have_count(1)
    expect(page.get_by_role("radio", name="is attended to by")).to_be_hidden()


def test_the_search_finds_tokens_of_both_texts(translator: Headscope) -> None:
    page = translator.open(**GIVEN, stack="cross", layer=0, head=2).page
    box = page.get_by_role("searchbox")
    box.fill("the")
    expect(page.locator("#strip output")).to_have_text("2")
    box.press("Enter")
    expect(page.locator("#strip .tokens >> nth=0").locator("[aria-pressed='true']")).to_have_text("the")
    box.press("Enter")
    expect(page.locator("#strip .tokens >> nth=1").locator("[aria-pressed='true']")).to_have_text("the")
    expect(page.locator("#strip output")).to_have_text("2 of 2")


def test_a_link_restores_stack_and_target_and_back_returns(translator: Headscope) -> None:
    page = translator.open(**GIVEN, stack="cross", layer=2, head=3).page
    expect(radio(page, "cross")).to_be_checked()
    expect(page.get_by_label(re.compile("^target"))).to_have_value(TARGET)
    translator.expect_chosen(2, 3)
    choose(page, "decoder")
    expect_heading(page, "Decoder")
    page.go_back()
    expect_heading(page, "Cross")
    expect(radio(page, "cross")).to_be_checked()
    translator.expect_chosen(2, 3)
    translator.expect_labels(["<pad>", *TARGET.split()])


def test_keys_choose_a_stack_and_keep_the_focus(translator: Headscope) -> None:
    page = translator.open(**GIVEN).page
    page.locator("#model").focus()
    page.keyboard.press("Tab")
    expect(radio(page, "encoder")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect_heading(page, "Decoder")
    expect(radio(page, "decoder")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect_heading(page, "Cross")
    target, text = (page.locator("#strip .tokens").nth(number) for number in range(2))
    target.locator("[tabindex='0']").focus()
    page.keyboard.press("End")
    expect(page.locator("#strip .readout")).to_have_text(saying('"bird"(5) attends to ', ""))
    page.keyboard.press("Enter")
    translator.expect_url("token=5")
    page.keyboard.press("Tab")
    expect(text.locator("[tabindex='0']")).to_be_focused()


def test_addresses_of_exported_files_and_their_names_have_the_stack(translator: Headscope) -> None:
    page = translator.open(**GIVEN, stack="cross", layer=1, head=2).page
    link = page.get_by_role("link", name="JSON")
    expect(link).to_have_attribute("href", re.compile(r"/heads/1/2\?stack=cross&format=json$"))
    expect(link).to_have_attribute("download", "local-t5-cross-layer1-head2.json")
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG").click()
    assert download.value.suggested_filename == "local-t5-cross-layer1-head2.png"


def test_the_words_of_both_texts_are_the_axes(translator: Headscope) -> None:
    page = translator.open(**GIVEN, stack="cross", words=1, layer=1, head=2).page
    translator.expect_labels(["<pad>", *TARGET.split()])
    expect(labels(page, "x").first).to_have_text(saying("the"))


def test_scores_and_panels_are_those_of_the_stack(translator: Headscope) -> None:
    page = translator.open(**GIVEN, stack="decoder", score="previous", panel="scores").page
    expect(page.locator("#grid .scored")).to_have_count(12)
    choose(page, "cross")
    expect_heading(page, "Cross")
    expect(page.locator("#grid .message, #scores .formula")).to_contain_text(["Not for cross-attention", "Not defined"])
    expect(page.locator("#facts .roles")).to_contain_text("Roles describe attention within one text")
    page.select_option("#score", "first")
    expect(page.locator("#grid .scored")).to_have_count(12)
    page.locator("[data-panel=similarity]").click()
    expect(page.locator("#similarity .scatterlayer .point")).to_have_count(12)
    choose(page, "encoder")
    expect(page.locator("#similarity .scatterlayer .point")).to_have_count(8)


def test_the_rollout_says_why_cross_attention_has_none(translator: Headscope) -> None:
    page = translator.open(**GIVEN, stack="cross", panel="rollout").page
    message = page.locator("#rollout .message")
    expect(message).to_have_text(saying("Not for cross-attention: ", ""))
    expect(page.locator("#rollout .chart")).to_be_hidden()
    choose(page, "decoder")
    expect(page.locator("#rollout .nsewdrag")).to_be_visible()
    expect(message).to_have_text("")


def test_the_card_of_the_model_has_the_sizes_of_all_stacks(translator: Headscope) -> None:
    page = translator.open(**GIVEN, stack="cross").page
    page.get_by_text("about the model").click()
    facts = page.locator("#model-card dl")
    expect(facts).to_contain_text("encoder: 2 layers of 4 heads; decoder: 3 layers of 4 heads; cross: 3 layers")
    expect(facts).to_contain_text("2,048 tokens")


def test_other_models_have_none_of_these_controls(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0).page
    for part in (".stacks", "#target", ".ask .by"):
        expect(page.locator(part)).to_have_count(0)
    expect(page.locator("#strip .tokens")).to_have_count(1)
    expect(page.get_by_role("link", name="JSON")).not_to_have_attribute("href", re.compile("stack"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(translator: Headscope, theme: str, width: int) -> None:
    page = translator.page
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    translator.open(text=TEXT, stack="cross", layer=1, head=1, token=2, panel="rollout")
    expect(page.locator(".ask .by")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_is_on_the_screen_at_1280_by_900(translator: Headscope) -> None:
    page = translator.open(**GIVEN, stack="cross", layer=1, head=1).page
    for part in ("#heatmap .stage", "#strip .tokens >> nth=1"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900, part
