"""A text with more tokens than the heatmap has cells: zooming, panning, and the token strip."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect
from worlds import live, write_tiny

from headscope.settings import Settings

from .conftest import Complaints, Headscope, listen
from .waiting import Held, seen, until

# Without the row of the token under the pointer, which is fetched whole.
DETAIL = re.compile(r"/heads/1/2\?rows=.*&cells=")
WORDS = " ".join(f"The old bird spoke to a white horse {number}." for number in range(36))


@pytest.fixture(scope="module")
def long_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a GPT-2 of random weights and 4,096 positions."""
    folder = tmp_path_factory.mktemp("models")
    write_tiny(folder / "long", "gpt2", n_positions=4096)
    with live(Settings(model="local:long", models_dir=folder)) as address:
        yield address


@pytest.fixture
def reader(context, long_server: str, complaints: Complaints) -> Headscope:
    page = context.new_page()
    listen(page, long_server, complaints)
    return Headscope(page, long_server).open(text=WORDS, layer=1, head=2)


@contextmanager
def moving(page: Page) -> Iterator[None]:
    """Waits, at the end of the block, until the window has moved."""
    before = page.evaluate("location.href")
    yield
    page.wait_for_function("before => location.href !== before", arg=before)


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drags from one point of the heatmap to another, in fractions of its width and height."""
    box = page.locator("#heatmap .plot .nsewdrag").bounding_box()
    assert box is not None
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=4)
    with moving(page):
        page.mouse.up()


def window_of(page: Page) -> dict[str, list[int]]:
    found = re.findall(r"(rows|columns)=(\d+)%3A(\d+)", page.evaluate("location.href"))
    return {name: [int(first), int(last)] for name, first, last in found}


def test_the_tooltip_of_a_pooled_cell_has_its_tokens_and_those_of_its_maximum(reader: Headscope) -> None:
    page = reader.page
    tokens = int(re.match(r"([\d,]+) tokens", page.locator("#status").inner_text())[1].replace(",", ""))
    assert tokens > 1024
    reader.point_at(tokens // 2, 9, of=tokens)
    tip = page.locator("#heatmap .tip")
    expect(tip).to_contain_text(
        re.compile(r"queries \d+–\d+, keys \d+–\d+: largest weight (< )?\S+ \(.+\(\d+\) → .+\(\d+\)\)")
    )
    first, last, low, high, query, key = map(
        int, re.findall(r"\d+(?=[–,:)])|(?<=–)\d+", re.sub(r"0\.\d+", "", seen(tip.inner_text())))
    )
    assert first <= query <= last
    assert low <= key <= high


def test_zooming_fetches_the_exact_window_and_double_click_shows_the_whole_text(reader: Headscope) -> None:
    page = reader.page
    with page.expect_response(DETAIL) as asked:
        drag(page, (0.1, 0.6), (0.2, 0.7))
    shown = window_of(page)
    given = {
        name: list(map(int, span.split(":"))) for name, span in re.findall(r"(rows|columns)=(\d+:\d+)", asked.value.url)
    }
    outside = [name for name in shown if given[name][0] > shown[name][0] or given[name][1] < shown[name][1]]
    assert outside == [], (shown, given)
    expect(page.locator("#heatmap .stage")).not_to_have_class(re.compile("loading"))
    drag_box = page.locator("#heatmap .plot .nsewdrag").bounding_box()
    page.mouse.move(drag_box["x"] + 20, drag_box["y"] + drag_box["height"] - 20)
    expect(page.locator("#heatmap .tip")).to_contain_text("attends to")
    expect(page.locator("#heatmap .minimap")).to_be_visible()
    page.mouse.dblclick(drag_box["x"] + 50, drag_box["y"] + 50)
    expect(page.locator("#heatmap .minimap")).to_be_hidden()
    assert window_of(page) == {}


def test_dragging_shift_arrows_and_the_minimap_move_the_window(reader: Headscope) -> None:
    page = reader.page
    drag(page, (0.1, 0.6), (0.2, 0.7))
    before = window_of(page)
    page.get_by_role("button", name="pan").click()
    drag(page, (0.5, 0.5), (0.25, 0.5))
    moved = window_of(page)
    width = before["columns"][1] - before["columns"][0]
    assert moved["rows"] == before["rows"]
    assert moved["columns"][0] - before["columns"][0] == pytest.approx(width / 4, abs=2)
    page.locator("#heatmap .stage").focus()
    with moving(page):
        page.keyboard.press("Shift+ArrowUp")
    height = before["rows"][1] - before["rows"][0]
    assert before["rows"][0] - window_of(page)["rows"][0] == pytest.approx(height / 2, abs=1)
    expect(page.locator("#heatmap .minimap")).to_be_visible()
    box = page.locator("#heatmap .minimap").bounding_box()
    with moving(page):
        page.mouse.click(box["x"] + box["width"] * 0.05, box["y"] + box["height"] * 0.98)
    at = window_of(page)
    assert at["columns"][0] == 0
    assert at["rows"][1] > before["rows"][1]
    assert at["rows"][1] - at["rows"][0] == height


def test_the_newest_window_is_shown_and_the_old_heatmap_is_dimmed_until_it_arrives(reader: Headscope) -> None:
    page = reader.page
    details = Held(page, DETAIL)
    stage, images = page.locator("#heatmap .stage"), page.locator("#heatmap .plot image")
    for asked in (1, 2):
        page.get_by_role("button", name="zoom in").click()
        expect(stage).to_have_class(re.compile("loading"))
        details.first(asked)
    expect(images).to_have_count(1)
    older, newest = details.routes
    until(page, lambda: older.request.failure == "net::ERR_ABORTED")
    newest.continue_()
    expect(stage).not_to_have_class(re.compile("loading"))
    expect(images).to_have_count(2)


def test_an_error_of_a_window_is_shown_and_the_whole_heatmap_stays(reader: Headscope, complaints: Complaints) -> None:
    page = reader.page
    complaints.expect("503")
    problem = {"status": 503, "code": "busy", "detail": "32 requests are waiting already"}
    page.route(DETAIL, lambda route: route.fulfill(status=503, json=problem))
    page.get_by_role("button", name="zoom in").click()
    page.get_by_role("button", name="zoom in").click()
    expect(page.locator("#error")).to_have_text("32 requests are waiting already")
    expect(page.locator("#heatmap .plot image")).to_have_count(1)


def test_of_a_long_text_only_tokens_near_the_visible_part_are_in_the_page_and_all_are_found(reader: Headscope) -> None:
    page = reader.page
    buttons, tokens = page.locator("#strip .tokens button"), page.locator("#strip .tokens")
    until(page, lambda: buttons.count() > 100)
    assert buttons.count() < 700
    page.get_by_label("find in the text").fill("horse 33")
    expect(page.locator("#strip output")).to_have_text("1")
    page.keyboard.press("Enter")
    expect(page.locator("#strip output")).to_have_text("1 of 1")
    held = tokens.locator("[aria-pressed=true]")
    expect(held).to_be_in_viewport()
    expect(page.locator("#strip .readout")).to_contain_text("attends to")
    reader.expect_url("token=")
    # The readout is exact: the whole heatmap is pooled, but the line of the token is not.
    expect(page.locator("#strip .readout")).not_to_contain_text("nothing")
    assert buttons.count() < 1500
    held.focus()
    page.keyboard.press("Home")
    expect(page.locator("#strip .tokens [data-token='0']")).to_be_focused()
    page.get_by_label("find in the text").fill("#1000")
    page.keyboard.press("Enter")
    expect(tokens.locator("[data-token='1000']")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("find in the text").fill("whale")
    expect(page.locator("#strip output")).to_have_text("nothing found")


def test_beside_a_pooled_heatmap_no_scores_are_shown(reader: Headscope) -> None:
    facts = reader.page.locator("#facts")
    expect(facts.locator(".note")).to_contain_text("is pooled: no score can be computed from it")
    expect(facts.locator("table")).to_be_hidden()
    expect(facts.locator(".entropy")).to_be_hidden()
