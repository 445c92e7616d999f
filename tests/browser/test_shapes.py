"""The grid of models whose heads share keys, whose layers differ, or that have hundreds of heads."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import transformers
from playwright.sync_api import Browser, expect
from worlds import byte_level, live, randomise

from headscope.settings import Settings

from .conftest import SENTENCE, Complaints, Headscope, listen

LAYERS, HEADS, GROUPS = 30, 9, 3
SIZES = {
    "vocab_size": 300, "intermediate_size": 32, "max_position_embeddings": 64,
    "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": None,
}  # fmt: skip
JAMBA = {**SIZES, "hidden_size": 24, "num_hidden_layers": 6, "num_attention_heads": 4, "num_key_value_heads": 2}
EVERY_THIRD = {"attn_layer_period": 3, "attn_layer_offset": 2, "num_experts": 2}


def write_llama(folder: Path, layers: int, heads: int, groups: int) -> None:
    sizes = {"hidden_size": heads * 4, "num_attention_heads": heads, "num_key_value_heads": groups}
    config = transformers.LlamaConfig(**SIZES, **sizes, num_hidden_layers=layers)
    randomise(transformers.LlamaForCausalLM(config)).save_pretrained(folder)
    byte_level().save(str(folder / "tokenizer.json"))


def write_hybrid(folder: Path) -> None:
    """A Jamba: layers 2 and 5 have attention, the others are state-space layers."""
    torch.manual_seed(0)
    model = transformers.JambaForCausalLM._from_config(transformers.JambaConfig(**JAMBA, **EVERY_THIRD))
    randomise(model).save_pretrained(folder)
    byte_level().save(str(folder / "tokenizer.json"))


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a Llama of 270 heads, one of 1,024 heads, and a hybrid."""
    folder = tmp_path_factory.mktemp("models")
    write_llama(folder / "small", LAYERS, HEADS, GROUPS)
    write_llama(folder / "large", 32, 32, 8)
    write_hybrid(folder / "hybrid")
    with live(Settings(model="local:small", models_dir=folder)) as address:
        yield address


@pytest.fixture
def shown(context, shapes: str, complaints: Complaints) -> Headscope:
    page = context.new_page()
    listen(page, shapes, complaints)
    return Headscope(page, shapes)


def gaps(shown: Headscope, layer: int, heads: int) -> list[float]:
    """The distances between the heads of a layer, in pixels."""
    boxes = [shown.page.locator(shown.cell(layer, head)).bounding_box() for head in range(heads)]
    return [after["x"] - one["x"] - one["width"] for one, after in pairwise(boxes) if one and after]


@pytest.mark.parametrize("width", [390, 1280])
def test_heads_that_share_keys_are_closer_together_and_are_named_with_them(shown: Headscope, width: int) -> None:
    page = shown.page
    page.set_viewport_size({"width": width, "height": 900})
    shown.open(text=SENTENCE, layer=1, head=4)
    found = gaps(shown, 3, HEADS)
    between = [gap for head, gap in enumerate(found, 1) if head % 3 == 0]
    assert min(between) >= 2 * max(gap for head, gap in enumerate(found, 1) if head % 3)
    page.hover(shown.cell(1, 4))
    expect(page.locator("#grid .tip")).to_have_text("layer 1, head 4, key/value head 1, shared by heads 3–5")
    expect(page.locator("#facts .group")).to_have_text("Grouped-query: key/value head 1, shared by heads 3–5.")
    expect(page.locator("#grid .shared")).to_have_text("groups of 3 heads share a key/value head")


def test_270_heads_fit_the_screen_and_each_picture_is_at_its_cell(shown: Headscope) -> None:
    page = shown.open(text=SENTENCE, layer=0, head=0).page
    grid = page.locator("#grid .heads")
    box = grid.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 900
    assert grid.evaluate("one => one.scrollHeight - one.clientHeight") == 0
    for part in ("#heatmap .stage", "#strip .tokens"):
        below = page.locator(part).bounding_box()
        assert below is not None
        assert below["y"] + below["height"] <= 900
    canvas = page.locator("#grid [role='row'] canvas").nth(3).bounding_box()
    last = page.locator(shown.cell(3, HEADS - 1)).bounding_box()
    assert canvas is not None
    assert last is not None
    assert canvas["x"] + canvas["width"] == pytest.approx(last["x"] + last["width"], abs=1)


def test_1024_heads_fit_the_column_and_keys_reach_them(shown: Headscope) -> None:
    page = shown.open(model="local:large", text=SENTENCE, layer=0, head=0).page
    grid = page.locator("#grid .heads")
    assert grid.evaluate("one => one.scrollWidth - one.clientWidth") <= 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.focus(shown.cell(0, 0))
    page.keyboard.press("Control+End")
    expect(page.locator("#heatmap h2")).to_have_text("Layer 31, head 31")
    expect(page.locator(shown.cell(31, 31))).to_be_in_viewport()


def test_on_a_small_screen_a_deep_grid_scrolls_and_shows_the_chosen_head(shown: Headscope) -> None:
    page = shown.page
    page.set_viewport_size({"width": 1280, "height": 500})
    shown.open(text=SENTENCE, layer=LAYERS - 1, head=0)
    table, cell = page.locator("#grid .heads").bounding_box(), page.locator(shown.cell(LAYERS - 1, 0)).bounding_box()
    assert table is not None
    assert cell is not None
    assert table["height"] < 420
    assert table["y"] < cell["y"] < table["y"] + table["height"] - cell["height"]


def test_layers_without_attention_are_hatched_and_keys_skip_them_with_the_reason(shown: Headscope) -> None:
    page = shown.open(model="local:hybrid", text=SENTENCE, layer=2, head=1).page
    expect(page.locator("#grid .none")).to_have_count(4)
    expect(page.locator("#status")).to_contain_text("8 heads")
    page.hover("#grid .none >> nth=0")
    tip = page.locator("#grid .tip")
    expect(tip).to_have_text("layer 0 has no softmax attention: JambaMambaMixer")
    page.click("#grid .none >> nth=0")
    shown.expect_chosen(2, 1)
    page.focus(shown.cell(2, 1))
    page.keyboard.press("ArrowDown")
    expect(page.locator("#heatmap h2")).to_have_text("Layer 5, head 1")
    expect(tip).to_contain_text("Skipped: layers 3–4 have no softmax attention: JambaMambaMixer")
    page.keyboard.press("ArrowDown")  # there is no layer below
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#heatmap h2")).to_have_text("Layer 5, head 0")
    shown.expect_chosen(5, 0)


def test_a_link_to_what_a_model_cannot_show_gets_a_message_and_another_head(shown: Headscope) -> None:
    page = shown.open(model="local:hybrid", text=SENTENCE, layer=0, head=1, show="effect").page
    notice = page.locator("#notice")
    expect(notice).to_contain_text("Layer 0 has no softmax attention: JambaMambaMixer. Another head is shown.")
    expect(notice).to_contain_text("Effects are not available")
    assert shown.chosen[0] in (2, 5)
    shown.expect_url_without("show=")
    for name in ("effect", "effect of layer"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
    expect(page.locator("#heatmap .no-effects")).to_be_visible()


def test_scores_and_panels_leave_out_heads_that_do_not_exist(shown: Headscope) -> None:
    page = shown.open(model="local:hybrid", text=SENTENCE, layer=2, head=1, score="entropy", sort=1).page
    expect(page.locator("#grid [role='gridcell'].scored")).to_have_count(8)
    expect(page.locator("#grid [role='row']:has(canvas)")).to_have_count(2)
    page.get_by_role("button", name="sort").click()
    expect(page.locator("#grid .none")).to_have_count(4)
    page.get_by_role("button", name="similar heads").click()
    expect(page.locator("#similarity .scatterlayer .point")).to_have_count(8)
    items = page.locator("#similarity .words > ul > li")
    expect(items.first).to_contain_text("divergence")
    assert {text.split(",")[0] for text in items.all_inner_texts()} <= {"layer 2", "layer 5"}
    page.get_by_role("button", name="scores", exact=True).click()
    page.locator("#scores .nsewdrag").wait_for()
    texts = page.locator("#scores .chart").evaluate("chart => chart.data[0].text.map(row => row[0])")
    assert texts[0] == "layer 0 has no softmax attention: JambaMambaMixer"
    assert texts[2].startswith("layer 2, head 0: ")
    page.get_by_role("button", name="across layers").click()
    page.locator("#rollout .nsewdrag").wait_for()
    assert "NaN" not in page.locator("body").inner_text()


def test_the_card_of_the_model_says_what_is_known_about_it(shown: Headscope) -> None:
    page = shown.open(text=SENTENCE, layer=2, head=1).page
    page.get_by_text("about the model").click()
    facts = page.locator("#model-card dl")
    expect(facts).to_contain_text("30 layers of 9 heads on 3 key/value heads")
    expect(facts).to_contain_text("the next token")


def test_on_a_phone_the_card_and_the_grid_stay_within_the_screen(browser: Browser, shapes: str) -> None:
    phone = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    Headscope(phone, shapes).open(model="local:large", text=SENTENCE, layer=2, head=1)
    phone.get_by_text("about the model").tap()
    phone.locator("#model-card dd").first.wait_for()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.close()
