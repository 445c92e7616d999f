"""The grid: one canvas for each layer, painted when it is visible."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from worlds import live, write_tiny

from headscope.settings import Settings

from .conftest import SENTENCE, Complaints, Headscope, listen
from .waiting import Held, until

LAYERS, HEADS = 120, 40
# The colour of each cell of a head along its diagonal, in its row and, larger, in the tip.
DIAGONALS = """([layer, head, tokens]) => {
  const cell = document.querySelector(`#grid [data-layer="${layer}"][data-head="${head}"]`);
  const row = cell.parentElement.querySelector("canvas");
  const [box, all] = [cell.getBoundingClientRect(), row.getBoundingClientRect()];
  const read = (canvas, x, y) => [...canvas.getContext("2d").getImageData(x, y, 1, 1).data];
  const large = document.querySelector("#grid .tip canvas");
  return Array.from({ length: tokens }, (_, at) => {
    const share = (at + 0.5) / tokens;
    const [x, y] = [box.left - all.left + box.width * share, box.top - all.top + box.height * share];
    const scale = row.width / all.width;
    return [read(row, x * scale, y * scale), read(large, large.width * share, large.height * share)];
  });
}"""


@pytest.fixture(scope="module")
def deep_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("models")
    write_tiny(folder / "deep", "gpt2", n_layer=LAYERS, n_head=HEADS, n_embd=HEADS)
    with live(Settings(model="local:deep", models_dir=folder)) as address:
        yield address


@pytest.fixture
def deep(context, deep_server: str, complaints: Complaints) -> Headscope:
    page = context.new_page()
    listen(page, deep_server, complaints)
    return Headscope(page, deep_server).open(text="white horse", layer=0, head=0)


def painted(page: Page, layer: int) -> bool:
    return page.locator(f'#grid [role="row"][data-layer="{layer}"] canvas').evaluate("canvas => canvas.width > 1")


def test_each_picture_is_at_the_cell_of_its_head(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0).page
    expect(page.locator("#grid [role=row].blank")).to_have_count(0)
    for layer, head in ((0, 2), (3, 7), (5, 11)):
        page.hover(headscope.cell(layer, head))
        expect(page.locator("#grid .tip")).to_have_text(f"layer {layer}, head {head}")
        diagonal = page.evaluate(DIAGONALS, [layer, head, 9])
        assert [small for small, _ in diagonal] == [large for _, large in diagonal]
        assert len({tuple(small) for small, _ in diagonal}) > 2


@pytest.mark.parametrize("width", [390, 1280])
def test_the_focus_stays_on_its_head_when_the_grid_is_sorted(headscope: Headscope, width: int) -> None:
    page = headscope.page
    page.set_viewport_size({"width": width, "height": 844})
    scores = Held(page, "**/scores?*")
    headscope.open(text=SENTENCE, layer=0, head=2, score="previous", sort=1)
    page.focus(headscope.cell(0, 2))
    page.keyboard.press("ArrowRight")
    expect(page.locator(headscope.cell(0, 3))).to_be_focused()
    scores.let_go()
    first = page.locator("#grid [role='gridcell']").first
    expect(first).to_have_attribute("aria-label", re.compile("rank 1 of 72$"))
    expect(page.locator(headscope.cell(0, 3))).to_be_focused()
    page.keyboard.press("Control+Home")
    expect(first).to_be_focused()
    expect(first).to_have_attribute("aria-selected", "true")


def test_of_thousands_of_heads_only_the_visible_ones_are_painted(deep: Headscope) -> None:
    page = deep.page
    expect(page.get_by_role("gridcell")).to_have_count(LAYERS * HEADS)
    until(page, lambda: painted(page, 0))
    assert not painted(page, LAYERS - 1)
    page.locator(deep.cell(LAYERS - 1, 0)).scroll_into_view_if_needed()
    until(page, lambda: painted(page, LAYERS - 1))


def test_thousands_of_heads_keep_a_clickable_size_and_keys_reach_the_last(deep: Headscope) -> None:
    page = deep.page
    box = page.locator(deep.cell(0, 1)).bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 11
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.focus(deep.cell(0, 0))
    page.keyboard.press("Control+End")
    expect(page.locator("#heatmap h2")).to_have_text(f"Layer {LAYERS - 1}, head {HEADS - 1}")
    last = page.locator(deep.cell(LAYERS - 1, HEADS - 1))
    expect(last).to_be_focused()
    expect(last).to_be_in_viewport()
