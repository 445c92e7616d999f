"""The state in the address: links, history, and addresses that are not valid."""

import re
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, expect

from .conftest import SENTENCE, TOKENS, Complaints, Headscope, listen
from .waiting import seen, until

# Keeps the labels along the queries after each change of the page.
RECORD_LABELS = """window.drawn = [];
new MutationObserver(() => {
  const labels = [...document.querySelectorAll("#heatmap .ytick text")].map((one) => one.textContent).join(" ");
  if (labels && labels !== drawn.at(-1)) drawn.push(labels);
}).observe(document, { subtree: true, childList: true, characterData: true });"""


def test_a_dragged_window_has_whole_tokens_and_is_part_of_the_link(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=3, head=5).page
    plot = page.locator("#heatmap .plot .nsewdrag").bounding_box()
    assert plot is not None
    x, y, cell = plot["x"], plot["y"], plot["height"] / 9
    page.mouse.move(x + plot["width"] * 2.2 / 9, y + cell * 4.2)
    page.mouse.down()
    page.mouse.move(x + plot["width"] * 5.9 / 9, y + cell * 7.9, steps=4)
    page.mouse.up()
    headscope.expect_url("rows=4%3A8&columns=2%3A6$")
    headscope.expect_labels(TOKENS[4:8])
    page.get_by_role("button", name="whole text").click()
    expect(page.locator("#heatmap .ytick text")).to_have_count(9)
    expect(page.get_by_role("button", name="whole text")).to_be_disabled()


def test_a_slow_double_click_shows_the_whole_text(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=3, head=5, rows="4:8", columns="2:6").page
    expect(page.locator("#heatmap .ytick text")).to_have_count(4)
    # Plotly expects the second click within 300 ms; a busy machine, or a reader, may take longer.
    page.locator("#heatmap .plot .nsewdrag").dblclick(delay=250)
    expect(page.locator("#heatmap .ytick text")).to_have_count(9)


def test_a_link_shows_another_reader_the_same(headscope: Headscope, browser: Browser, complaints: Complaints) -> None:
    page = headscope.open(text=SENTENCE, layer=3, head=5).page
    page.get_by_text("log", exact=True).click()
    page.focus("#heatmap .stage")
    page.keyboard.press("+")
    # The key takes effect, and becomes part of the link, when the code that handles it has arrived.
    expect(page).to_have_url(re.compile("scale=log&rows=3%3A7&columns=3%3A7$"))
    headscope.expect_labels(TOKENS[3:7])
    other = browser.new_page(viewport={"width": 1280, "height": 900})
    listen(other, headscope.server, complaints)
    other.goto(page.url)
    Headscope(other, headscope.server).expect_labels(TOKENS[3:7])
    for same in ("#heatmap h2", "#look-for", "#heatmap .yaxislayer-above", "#facts"):
        expect(other.locator(same)).to_have_text(page.locator(same).text_content() or "")
    expect(other.locator("#text")).to_have_value(SENTENCE)
    expect(other.locator('[name="scale"][value="log"]')).to_be_checked()
    expect(other).to_have_url(page.url)
    other.close()


def test_a_link_to_a_window_draws_it_at_once_and_never_the_whole_text(headscope: Headscope) -> None:
    headscope.page.add_init_script(RECORD_LABELS)
    headscope.open(text=SENTENCE, layer=3, head=5, rows="4:8", columns="2:6", scale="log")
    expect(headscope.page.locator("#heatmap .minimap")).to_be_visible()  # it is loaded last
    drawn = headscope.page.evaluate("drawn")
    assert [seen(one) for one in drawn] == [" ".join(TOKENS[4:8])]


def test_back_and_forward_restore_texts_and_heads(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0).page
    headscope.choose(1, 1)
    headscope.run("Something else")
    expect(page.locator("#status")).to_contain_text("4 tokens")
    page.go_back()
    expect(page.locator("#text")).to_have_value(SENTENCE)
    expect(page.locator("#heatmap h2")).to_have_text("Layer 1, head 1")
    expect(page.locator("#status")).to_contain_text("9 tokens")
    page.go_back()
    expect(page.locator("#heatmap h2")).to_have_text("Layer 0, head 0")
    page.go_forward()
    page.go_forward()
    expect(page.locator("#status")).to_contain_text("4 tokens")


@pytest.mark.fault(9)
@pytest.mark.parametrize(
    ("fragment", "left_out"),
    [
        ("layer=%3Cb%3E&head=1", "layer=<b>, head=1"),
        ("rows=9:2&scale=cubic", "rows=9:2, scale=cubic"),
        ("rows=0:4000", "rows=0:4000 (the text has 5 tokens)"),
    ],
)
def test_fields_of_the_address_that_are_not_valid_are_named_and_left_out(
    headscope: Headscope, fragment: str, left_out: str
) -> None:
    page = headscope.page
    page.goto(f"{headscope.server}/#text=The+cat+sat&{fragment}")
    page.locator("#heatmap .main-svg").first.wait_for()
    expect(page.get_by_role("button", name="whole text")).to_be_disabled()
    expect(page.locator("#notice")).to_have_text(f"Ignored part of the link: {left_out}")
    headscope.expect_url_without("rows|scale|%3Cb")
    headscope.run("Another")
    expect(page.locator("#notice")).to_have_text("")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("layer=99&head=3", "There is no layer 99: minilm has layers 0 to 5. Another head is shown."),
        (
            "layer=3&head=12345",
            "There is no head 12345: minilm has heads 0 to 11. Another head is shown.",
        ),
    ],
)
def test_the_address_of_a_head_that_does_not_exist_shows_the_default_head_with_a_notice(
    headscope: Headscope, address: str, message: str
) -> None:
    page = headscope.page
    headscope.open(text="The cat sat")
    default = headscope.chosen
    page.goto("about:blank")
    page.goto(f"{headscope.server}/#model=minilm&text=The+cat+sat&{address}")
    page.locator("#heatmap .main-svg").first.wait_for()
    expect(page.locator("#notice")).to_have_text(message)
    expect(page.get_by_role("alert")).to_have_text("")
    headscope.expect_chosen(*default)
    headscope.expect_url(f"&layer={default[0]}&head={default[1]}$")
    headscope.choose(2, 4)
    expect(page.locator("#notice")).to_have_text("")
    headscope.expect_url("&layer=2&head=4$")


def test_where_the_page_may_not_copy_it_offers_a_selected_text(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=1, head=2).page
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    status = page.locator("#status").inner_text()
    field = page.get_by_label("text to copy")
    page.get_by_role("button", name="copy link").click()
    expect(field).to_be_focused()
    selected = "one => one.value.slice(one.selectionStart, one.selectionEnd)"
    assert field.evaluate(selected) == headscope.address
    page.keyboard.press("Escape")
    expect(field).to_have_count(0)
    page.get_by_role("button", name="table").click()
    page.get_by_role("button", name="copy all as TSV").click()
    expect(field).to_be_focused()
    assert field.evaluate(selected).startswith("query_position\tquery\t")
    page.get_by_role("button", name="close").click()
    expect(field).to_have_count(0)
    expect(page.locator("#status")).to_have_text(status)


def test_after_a_run_that_failed_copy_link_copies_the_address_of_what_is_shown(
    headscope: Headscope, complaints: Complaints
) -> None:
    complaints.expect("422")
    page = headscope.open(text=SENTENCE, layer=1, head=2).page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown = headscope.address
    headscope.run("word " * 600)
    page.get_by_role("button", name="Cut off the end").wait_for()
    assert headscope.address != shown
    copied = copied_link(headscope)
    assert dict(parse_qsl(copied.partition("#")[2])) == dict(parse_qsl(shown.partition("#")[2]))


def test_after_an_example_that_failed_copy_link_copies_the_head_that_is_still_shown(
    headscope: Headscope, complaints: Complaints
) -> None:
    complaints.expect("ERR_FAILED")
    page = headscope.open(text=SENTENCE, layer=1, head=2).page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown = headscope.address
    page.route("**/api/v1/captures?*", lambda route: route.abort())
    page.locator(".examples button").last.click()
    expect(page.locator("#error")).to_contain_text("does not answer")
    assert "head" not in headscope.address
    assert copied_link(headscope) == shown


def copied_link(headscope: Headscope) -> str:
    page, read = headscope.page, "navigator.clipboard.readText()"
    page.evaluate("navigator.clipboard.writeText('')")
    page.get_by_role("button", name="copy link").click()
    until(page, lambda: page.evaluate(read))
    link: str = page.evaluate(read)
    return link


def test_copy_link_confirms_at_the_button_for_a_moment_and_keeps_the_status(with_clock: Headscope) -> None:
    page = with_clock.open(text=SENTENCE).page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    status = page.locator("#status").inner_text()
    with_clock.stop_the_clock()
    button = page.get_by_role("button", name="copy link")
    button.click()
    message = page.locator('.export [role="status"]')
    expect(message).to_have_text("link copied")
    place, beside = message.bounding_box(), button.bounding_box()
    assert place is not None
    assert beside is not None
    assert abs(place["y"] - beside["y"]) < beside["height"]
    assert page.evaluate("navigator.clipboard.readText()") == with_clock.address
    expect(page.locator("#status")).to_have_text(status)
    page.clock.run_for(5_000)
    expect(message).to_have_text("")
