"""Scores of all heads: the colouring of the grid, the chart, the table of a head, and the induction probe."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .conftest import SENTENCE, Complaints, Headscope
from .waiting import Held, until

TWICE = "The old bird saw a white horse. The old bird saw a white horse."
CELLS = "#grid [role='gridcell']"
LABELS = "cells => cells.map(cell => cell.getAttribute('aria-label'))"


def ask(headscope: Headscope, part: str, model: str = "minilm", text: str = SENTENCE, **body: object) -> Any:
    """The answer of the server for a text; a POST request if there is a body."""
    answer = headscope.page.request
    path = f"{headscope.server}/api/v1/captures"
    about = f"{path}/{answer.post(path, data={'model': model, 'text': text}).json()['id']}/{part}"
    return (answer.post(about, data=body) if body else answer.get(about)).json()


def score_of(headscope: Headscope, name: str, **about: str) -> dict[str, Any]:
    return next(one for one in ask(headscope, "scores", **about)["scores"] if one["name"] == name)


def labels_of(score: dict[str, Any]) -> list[str]:
    """The labels of the cells for a score that is a share, in the order of the model."""
    places = [(layer, head) for layer, row in enumerate(score["values"]) for head in range(len(row))]
    found = []
    for layer, head in places:
        value, rank = score["values"][layer][head], score["ranks"][layer][head]
        found.append(f"layer {layer}, head {head}, {score['title']} {value:.3f}, rank {rank:.0f} of {len(places)}")
    return found


def click_cell(page: Page, panel: str, row: int, column: int, of: tuple[int, int]) -> None:
    plot = page.locator(f"{panel} .nsewdrag")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * (column + 0.5) / of[1], box["y"] + box["height"] * (row + 0.5) / of[0])
    page.locator(f"{panel} .hoverlayer .hovertext").wait_for()
    page.mouse.down()
    page.mouse.up()


def hovers(page: Page, panel: str) -> list[list[str]]:
    """The hover text of each cell of a chart."""
    return page.locator(f"{panel} .chart").evaluate("chart => chart.data[0].text")


@pytest.mark.parametrize("model", ["minilm", "gpt2-mini"])
def test_a_score_colours_the_grid_and_each_cell_has_its_value_and_rank(headscope: Headscope, model: str) -> None:
    page = headscope.open(model=model, text=TWICE, layer=1, head=1).page
    expect(page.locator(headscope.cell(0, 1))).to_have_attribute("aria-label", "layer 0, head 1")
    page.get_by_label("colour by").select_option("induction")
    cells = page.locator(CELLS)
    expect(cells.first).to_have_attribute("aria-label", re.compile("induction"))
    score = score_of(headscope, "induction", model=model, text=TWICE)
    assert cells.evaluate_all(LABELS) == labels_of(score)
    most = page.locator(f"{CELLS}[aria-label*='rank 1 of']")
    assert most.evaluate("cell => getComputedStyle(cell, '::after').backgroundColor") == "rgb(253, 231, 37)"
    headscope.expect_url("score=induction")
    most.hover()
    expect(page.locator("#grid .tip")).to_contain_text(f"rank 1 of {cells.count()}")
    page.get_by_label("colour by").select_option("")
    expect(cells.first).to_have_attribute("aria-label", "layer 0, head 0")
    headscope.expect_url_without("score")


def test_sorted_heads_are_in_order_of_rank_and_arrow_keys_follow_that_order(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=3, head=5, score="previous").page
    cells, sort = page.locator(CELLS), page.get_by_role("button", name="sort", exact=True)
    sort.click()
    expect(sort).to_have_attribute("aria-pressed", "true")
    expect(cells.first).to_have_attribute("aria-label", re.compile("rank 1 of 72$"))
    found = [int(one.split("rank ")[1].split()[0]) for one in cells.evaluate_all(LABELS)]
    assert found == sorted(found)
    expect(page.get_by_role("rowheader").nth(1)).to_have_accessible_name("from rank 13")
    cells.first.click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(cells.nth(13)).to_be_focused()
    expect(cells.nth(13)).to_have_attribute("aria-selected", "true")
    layer, head = headscope.chosen
    expect(page.locator("#heatmap h2")).to_have_text(f"Layer {layer}, head {head}")
    sort.click()
    expect(cells.first).to_have_attribute("aria-label", re.compile("^layer 0, head 0,"))
    headscope.expect_chosen(layer, head)


def test_sorted_heads_have_their_names_above_the_cover_of_dimmed_heads(headscope: Headscope) -> None:
    page = headscope.open(model="gpt2-mini", text=TWICE, score="induction", sort=1, top=5).page
    names = page.locator("#grid .name")
    expect(names).to_have_count(32)
    for cell in page.locator("#grid [role=gridcell]").all()[:10]:
        layer, head = cell.get_attribute("data-layer"), cell.get_attribute("data-head")
        expect(cell.locator(".name")).to_have_attribute("data-name", f"L{layer} H{head}")
    dimmed = page.locator("#grid .dimmed .name").last
    assert dimmed.evaluate(ON_TOP)
    page.set_viewport_size({"width": 390, "height": 800})
    too_wide = "all => all.filter(one => one.offsetWidth > one.parentElement.offsetWidth).length"
    assert names.evaluate_all(too_wide) == 0


ON_TOP = """one => { const { left, top, width, height } = one.getBoundingClientRect();
    return document.elementFromPoint(left + width / 2, top + height / 2) === one; }"""


def test_scores_that_are_not_defined_for_the_model_cannot_be_chosen_and_say_why(headscope: Headscope) -> None:
    page = headscope.open(model="gpt2-mini", text=SENTENCE).page
    disabled = page.locator("#score option:disabled")
    expect(disabled).to_have_text(
        [re.compile(r"[(]not for causal models[)]$")] * 2 + [re.compile(r"[(]no special tokens[)]$")]
    )


def test_all_heads_but_the_top_ones_are_dimmed(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=2, score="previous").page
    page.locator("#top").select_option("5")
    aside = page.locator(f"{CELLS}.dimmed")
    expect(aside).to_have_count(67)
    kept = page.locator(f"{CELLS}:not(.dimmed)").evaluate_all(LABELS)
    assert sorted(one.split("rank ")[1] for one in kept) == [f"{rank} of 72" for rank in range(1, 6)]
    assert aside.first.evaluate("cell => getComputedStyle(cell, '::before').content") == '""'
    page.get_by_label("colour by").select_option("")
    expect(aside).to_have_count(0)
    headscope.expect_url_without("top|score")


def test_a_click_on_the_chart_of_a_score_chooses_that_head_and_back_undoes_it(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=3, head=5, score="previous").page
    page.get_by_role("button", name="scores", exact=True).click()
    expect(page.get_by_role("heading", name="Score of each head: previous token")).to_be_visible()
    page.locator("#scores .nsewdrag").wait_for()
    score = score_of(headscope, "previous")
    assert hovers(page, "#scores")[4][7] == f"layer 4, head 7: {score['values'][4][7]:.3f}"
    click_cell(page, "#scores", 4, 7, of=(6, 12))
    expect(page.locator("#heatmap h2")).to_have_text("Layer 4, head 7")
    headscope.expect_chosen(4, 7)
    frame = "chart => [chart.layout.shapes[0].x0, chart.layout.shapes[0].y0]"
    until(page, lambda: page.locator("#scores .chart").evaluate(frame) == [6.5, 3.5])
    page.go_back()
    expect(page.locator("#heatmap h2")).to_have_text("Layer 3, head 5")
    expect(page.locator("#scores")).to_be_visible()
    page.get_by_role("button", name="scores", exact=True).click()
    expect(page.locator("#scores")).to_be_hidden()


def test_the_chosen_head_has_a_table_of_scores_and_its_roles(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=2, panel="scores").page
    rows = page.locator("#scores .scores-card tbody tr")
    expect(rows).to_have_count(14)
    expect(page.get_by_role("heading", name="Scores of layer 0, head 2")).to_be_visible()
    said = [row.split("\t") for row in rows.evaluate_all("rows => rows.map(row => row.innerText)")]
    scores = ask(headscope, "scores")["scores"]
    assert [title.strip() for title, *_ in said] == [one["title"] for one in scores]
    ranks = [one["ranks"][0][2] for one in scores]
    assert [rank.strip() for *_, rank in said] == [f"{rank:.0f} of 72" for rank in ranks]
    shares = [f"{one['values'][0][2]:.3f}" for one in scores if one["unit"] == "share"]
    assert [value.strip() for _, value, _ in said if not re.search("[a-z]", value)] == shares
    expect(page.locator("#facts .roles li")).to_contain_text(["previous token: "])
    headscope.choose(5, 3)
    expect(page.get_by_role("heading", name="Scores of layer 5, head 3")).to_be_visible()
    rows.first.locator("summary").click()
    expect(rows.first).to_contain_text("H_i = −Σ_j A[i, j] log₂ A[i, j]")


def test_the_induction_probe_runs_with_one_click_and_links_its_best_heads(headscope: Headscope) -> None:
    page = headscope.open(model="gpt2-mini", text="Hi there", layer=0, head=0, panel="scores").page
    page.get_by_role("button", name="induction probe").click()
    best = page.locator("#scores .probe li")
    expect(best).to_have_count(3)
    expect(page.locator("#scores .probe")).to_contain_text("sequences of")
    expect(page.locator("#scores .probe p")).to_contain_text(re.compile(r"except the first[.]$"))
    expect(page.locator("#scores .message")).to_have_text("")
    expect(page.locator("#scores .scores-card tbody tr")).to_have_count(17)
    name = best.last.get_by_role("button").inner_text()
    best.last.get_by_role("button").click()
    expect(page.locator("#heatmap h2")).to_have_text(name.capitalize())
    line = page.locator("#scores .scores-card tr", has_text="induction (in the probe)")
    expect(line.locator("td").last).to_have_text("1 of 32")


def test_a_failed_probe_is_reported_and_can_be_repeated(headscope: Headscope, complaints: Complaints) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0, panel="scores").page
    complaints.expect("503")
    probe = Held(page, "**/probes/induction")
    expect(page.locator("#scores .scores-card tbody tr")).to_have_count(14)
    page.get_by_role("button", name="induction probe").click()
    expect(page.locator("#scores .message")).to_have_text("running the induction probe …")
    probe.first()[0].fulfill(
        status=503, json={"status": 503, "code": "busy", "detail": "32 requests are waiting already"}
    )
    expect(page.locator("#scores .message")).to_have_text("Failed: 32 requests are waiting already")
    page.unroute("**/probes/induction")
    page.get_by_role("button", name="induction probe").click()
    expect(page.locator("#scores .probe li")).to_have_count(3)
    expect(page.locator("#scores .message")).to_have_text("")


def test_a_new_text_has_its_own_scores_and_no_chart_of_the_previous_text_meanwhile(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=2, score="previous", panel="scores").page
    page.locator("#scores .nsewdrag").wait_for()
    scores = Held(page, "**/scores?*")
    headscope.run(TWICE)
    expect(page.locator("#scores .nsewdrag")).to_have_count(0)
    expect(page.locator("#scores .message")).to_have_text("computing scores and roles of all heads …")
    expect(page.locator(CELLS).first).to_have_attribute("aria-label", "layer 0, head 0")
    scores.let_go()
    page.locator("#scores .nsewdrag").wait_for()
    assert page.locator(CELLS).evaluate_all(LABELS) == labels_of(score_of(headscope, "previous", text=TWICE))
    assert hovers(page, "#scores")[0][2].startswith("layer 0, head 2: ")
