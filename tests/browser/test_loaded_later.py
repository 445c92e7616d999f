"""Parts of the page that are loaded at their first use: that use takes effect, and a failure can be retried."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import SENTENCE, Complaints, Headscope
from .waiting import Held

SCRIPTS = Path(__file__).resolve().parents[2] / "static" / "js"
FIND = "find in the text"


@contextmanager
def held(page: Page, pattern: str) -> Iterator[None]:
    """The answer to this request is held back until the end of the block, which must send it."""
    request = Held(page, pattern)
    yield
    request.let_go()
    page.unroute(pattern)


@pytest.fixture
def opened(headscope: Headscope) -> Page:
    return headscope.open(text=SENTENCE, layer=0, head=0).page


def test_what_is_typed_into_the_search_before_its_code_has_arrived_is_searched(opened: Page) -> None:
    with held(opened, "**/tokens/find.js*"):
        opened.get_by_label(FIND).fill("the")
        opened.get_by_label(FIND).press("Enter")
        opened.get_by_label(FIND).press("Enter")
    expect(opened.locator("#strip .find output")).to_have_text("2 of 2")
    expect(opened.locator("#strip .readout")).to_contain_text("pinned")


def test_a_search_that_did_not_load_is_loaded_again(opened: Page, complaints: Complaints) -> None:
    complaints.expect("net::ERR_FAILED")
    opened.route("**/tokens/find.js*", lambda route: route.abort())
    opened.get_by_label(FIND).focus()
    expect(opened.locator("#error")).to_contain_text("the search did not load")
    opened.unroute("**/tokens/find.js*")
    opened.get_by_label(FIND).fill("the")
    expect(opened.locator("#strip .find output")).to_have_text("2")
    expect(opened.locator("#error")).to_have_text("")
    expect(opened.locator("#strip [data-find=next]")).to_be_enabled()


def test_a_heatmap_whose_plotly_did_not_load_can_be_tried_again(headscope: Headscope, complaints: Complaints) -> None:
    complaints.expect("net::ERR_FAILED")
    page, plotly = headscope.page, re.compile("/plotly[^/]*[.]min[.]js")
    page.route(plotly, lambda route: route.abort())
    page.goto(f"{headscope.server}/#text=The+cat+sat&layer=0&head=0")
    expect(page.locator("#error")).to_contain_text("the heatmap could not be drawn")
    expect(page.locator("#heatmap .empty")).to_have_text("No heatmap: see the message above.")
    page.unroute(plotly)
    page.locator("#retry").click()
    page.locator("#heatmap .plot .main-svg").first.wait_for()
    expect(page.locator("#error")).to_have_text("")


def test_a_chart_of_a_panel_whose_plotly_did_not_load_can_be_tried_again(
    headscope: Headscope, complaints: Complaints
) -> None:
    complaints.expect("net::ERR_FAILED")
    page, plotly = headscope.page, re.compile("/plotly[^/]*[.]min[.]js")
    page.route(plotly, lambda route: route.abort())
    # The heatmap does not need Plotly while the table is shown.
    page.goto(f"{headscope.server}/#text=The+cat+sat&layer=0&head=0&as=table&panel=scores")
    expect(page.locator("#scores .message")).to_contain_text("Failed: the chart could not be drawn")
    expect(page.locator("#error")).to_have_text("")
    page.unroute(plotly)
    page.locator("#scores .retry").click()
    page.locator("#scores .chart .main-svg").first.wait_for()
    expect(page.locator("#scores .message")).to_have_text("")


def test_the_error_about_a_table_that_did_not_load_ends_when_the_table_is_shown(
    opened: Page, complaints: Complaints
) -> None:
    complaints.expect("net::ERR_FAILED")
    error, rows = opened.locator("#error"), opened.locator("#heatmap .listing tbody tr")
    opened.route("**/heatmap/table.js*", lambda route: route.abort())
    opened.get_by_role("button", name="table", exact=True).click()
    expect(error).to_contain_text("the table did not load")
    opened.unroute("**/heatmap/table.js*")
    opened.get_by_role("button", name="heatmap", exact=True).click()
    opened.get_by_role("button", name="table", exact=True).click()
    rows.first.wait_for()
    expect(error).to_have_text("")
    expect(opened.locator("#status")).to_contain_text("72 heads")


def test_a_table_that_did_not_load_can_be_tried_again(opened: Page, complaints: Complaints) -> None:
    complaints.expect("net::ERR_FAILED")
    opened.route("**/heatmap/table.js*", lambda route: route.abort())
    opened.get_by_role("button", name="table", exact=True).click()
    expect(opened.locator("#error")).to_contain_text("the table did not load")
    opened.unroute("**/heatmap/table.js*")
    opened.locator("#retry").click()
    opened.locator("#heatmap .listing tbody tr").first.wait_for()
    expect(opened.locator("#error")).to_have_text("")


def test_a_key_in_the_grid_before_its_code_has_arrived_moves_to_the_next_head(opened: Page) -> None:
    with held(opened, "**/grid/keys_and_preview.js*"):
        opened.focus('#grid [data-layer="0"][data-head="0"]')
        opened.keyboard.press("ArrowDown")
        opened.keyboard.press("ArrowRight")
    expect(opened.locator('#grid [data-layer="1"][data-head="1"]')).to_be_focused()
    expect(opened.locator("#heatmap h2")).to_have_text("Layer 1, head 1")


def test_a_key_in_the_heatmap_before_its_code_has_arrived_reads_a_cell(opened: Page) -> None:
    with held(opened, "**/heatmap/pointing.js*"):
        opened.focus("#heatmap .stage")
        opened.keyboard.press("ArrowDown")
    expect(opened.locator("#heatmap .tip")).to_contain_text("attends to")


def test_the_form_for_a_hub_model_opens_when_its_code_arrives(opened: Page) -> None:
    box = opened.get_by_label("id of a model on the Hugging Face hub")
    with held(opened, "**/ui/hub_model.js*"):
        opened.select_option("#model", label="model from the hub …")
    expect(box).to_be_focused()
    box.press("Escape")
    expect(box).to_be_hidden()
    expect(opened.locator("#model")).to_have_value("minilm")


def test_a_link_to_a_part_of_the_heatmap_shows_the_minimap(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0, rows="1:4", columns="2:6").page
    window, minimap = page.locator("#heatmap .minimap .window"), page.locator("#heatmap .minimap")
    expect(minimap).to_be_visible()
    side = minimap.bounding_box()["width"]  # type: ignore[index]
    assert window.bounding_box()["width"] == pytest.approx(side * 4 / 9, abs=2)  # type: ignore[index]


def test_a_zoom_shows_the_minimap_when_its_code_arrives(opened: Page) -> None:
    minimap = opened.locator("#heatmap .minimap")
    with held(opened, "**/heatmap/minimap.js*"):
        opened.get_by_role("button", name="zoom in").click()
        expect(minimap).to_be_hidden()
    expect(minimap).to_be_visible()
    opened.get_by_role("button", name="whole text").click()
    expect(minimap).to_be_hidden()


LATER = {
    "api/analyses.js",
    "model/keyboard_moves.js",
    "model/missing_layers.js",
    "model/stack_view.js",
    "plot/signed_figure.js",
    "state/analyses.js",
    "state/ignored_parts.js",
    "state/panels/analyses.js",
    "ui/clipboard.js",
    "ui/hub_model.js",
    "ui/key_form.js",
    "ui/style_sheet.js",
    "ui/target_field.js",
    "views/grid/colouring.js",
    "views/grid/keys_and_preview.js",
    "views/grid/legend.js",
    "views/heatmap/exact_cell.js",
    "views/heatmap/minimap.js",
    "views/heatmap/more_options.js",
    "views/heatmap/pointing.js",
    "views/heatmap/score_buttons.js",
    "views/heatmap/segments.js",
    "views/heatmap/table.js",
    "views/inspect/roles_and_scores.js",
    "views/models/card.js",
    "views/models/changed_files.js",
    "views/models/notices.js",
    "views/models/question.js",
    "views/models/stack_switch.js",
    "views/models/stacks.js",
    "views/panels/panels.js",
    "views/panels/rollout.js",
    "views/panels/scores.js",
    "views/panels/similarity.js",
    "views/tokens/exact_weights.js",
    "views/tokens/find.js",
    "views/tokens/target_line.js",
}


def test_every_part_that_is_loaded_later_exists() -> None:
    assert [name for name in sorted(LATER) if not (SCRIPTS / name).is_file()] == []


def test_every_part_that_the_scripts_load_later_is_in_the_list() -> None:
    found = {
        str((script.parent / name).resolve().relative_to(SCRIPTS))
        for script in SCRIPTS.rglob("*.js")
        for name in re.findall(r"import\(`([^$`]+[.]js)", script.read_text())
    }
    assert found > set()
    assert found <= LATER


def test_a_first_visit_loads_none_of_them(headscope: Headscope) -> None:
    loaded: list[str] = []
    headscope.page.on("request", lambda request: loaded.append(request.url))
    headscope.open()
    headscope.page.wait_for_load_state("networkidle")
    assert any("/grid/grid.js" in url for url in loaded)
    assert [url for url in loaded if url.partition("/static/js/")[2] in LATER] == []
