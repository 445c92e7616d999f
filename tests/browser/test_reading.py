"""The token strip, the table of weights, folding and orientation."""

import re

from playwright.sync_api import expect

from .conftest import SENTENCE, TOKENS, Complaints, Headscope
from .waiting import Held, saying, seen

REPEATED = "The old bird spoke to a white horse. The old bird spoke to a white horse."


def test_a_token_shows_its_weights_and_a_click_pins_it(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=3, head=5).page
    tokens, readout = page.locator("#strip .tokens button"), page.locator("#strip .readout")
    expect(tokens).to_have_text([saying(token) for token in TOKENS])
    expect(page.locator('#strip [data-hint="strip"]')).to_be_visible()
    tokens.nth(2).hover()
    expect(readout).to_contain_text(re.compile('"\u2068cat\u2069"\\(2\\) attends to ".+"\\(\\d\\) '))
    expect(page.locator("#heatmap .band")).to_be_visible()
    page.get_by_text("is attended to by", exact=True).click()
    tokens.nth(2).click()
    expect(readout).to_contain_text("is attended to by")
    expect(tokens.nth(2)).to_have_attribute("aria-pressed", "true")
    headscope.expect_url("&token=2&side=key$")
    page.keyboard.press("ArrowRight")
    expect(tokens.nth(3)).to_be_focused()
    expect(readout).to_contain_text("cat")
    page.keyboard.press("Escape")
    headscope.expect_url_without("token")
    # The cell under the pointer is marked in the strip.
    headscope.point_at(6, 3, of=9)
    expect(page.locator("#strip .shown")).to_have_text("sat")
    expect(page.locator("#strip .partner")).to_have_text("mat")
    page.reload()
    expect(tokens).to_have_count(9)
    expect(page.locator('#strip [data-hint="strip"]')).to_be_hidden()


def test_the_table_has_the_weights_of_the_heatmap_and_the_positions_of_their_tokens(with_clock: Headscope) -> None:
    page = with_clock.open(text=SENTENCE, layer=3, head=5).page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="table", exact=True).click()
    rows, weight = page.locator("#heatmap tbody tr"), page.get_by_role("columnheader", name="weight")
    expect(rows).to_have_count(81)
    expect(weight).to_have_attribute("aria-sort", "descending")
    heaviest = rows.first.inner_text()
    assert re.fullmatch(r'"\S+"\(\d\)\t"\S+"\(\d\)\t0\.\d{3}', seen(heaviest))
    weight.get_by_role("button").click()
    expect(rows.last).to_have_text(re.compile(r"\s*".join(map(re.escape, heaviest.split()))))
    page.get_by_role("button", name="query").click()
    page.get_by_role("button", name="hide").click()
    expect(rows).to_have_count(49)
    with_clock.stop_the_clock()
    page.get_by_role("button", name="copy all as TSV").click()
    expect(page.locator("#heatmap .listing .brief-message")).to_have_text("copied 49 rows")
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert lines[1].split("\t")[:4] == ["1", "the", "1", "the"]
    page.clock.resume()
    page.reload()
    expect(rows).to_have_count(49)


def test_folding_hides_the_first_token_and_keys_can_be_rows(headscope: Headscope) -> None:
    page = headscope.open(model="gpt2-mini", text=REPEATED, layer=3, head=5).page
    page.get_by_role("button", name="hide first token").click()
    expect(page.locator("#folded")).to_have_text(re.compile(r"^\d+ % of this head's attention goes to the first token"))
    expect(page.locator("#heatmap .xtick text")).to_have_count(17)
    expect(page.locator("#heatmap .ytick text")).to_have_count(18)
    page.get_by_role("button", name="keys as rows").click()
    expect(page.locator("#heatmap .ytick text")).to_have_count(17)
    expect(page.locator("#heatmap .ytitle")).to_have_text("key: the token attended to")
    headscope.expect_url("&fold=1&flip=1$")


def test_the_heatmap_of_a_pair_can_show_one_sentence_attending_to_the_other(headscope: Headscope) -> None:
    page = headscope.open(text="Where is it?").page
    page.get_by_role("button", name="+ second sentence").click()
    page.get_by_label("B: second sentence", exact=True).fill("Over there.")
    page.get_by_role("button", name="Run").click()
    page.get_by_role("button", name="B to A").click()
    headscope.expect_labels(["over", "there", ".", "[SEP]"])
    headscope.expect_url("text_pair=Over[+]there[.]&.*rows=6%3A10&columns=0%3A6")


def test_a_model_that_reads_one_sentence_gets_the_first_and_the_second_is_kept(headscope: Headscope) -> None:
    page = headscope.open(text="Where is it?", text_pair="Over there.").page
    second, notice = page.locator("#text-pair"), page.locator("#notice")
    page.select_option("#model", "gpt2-mini")
    expect(notice).to_have_text(
        "gpt2-mini reads only one text. Your second sentence comes back when you choose a BERT model."
    )
    expect(second).to_be_hidden()
    expect(page.locator("#status")).to_contain_text("32 heads")
    headscope.expect_url_without("text_pair")
    page.select_option("#model", "minilm")
    expect(second).to_have_value("Over there.")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("button", name="B to A")).to_be_visible()
    headscope.expect_url("text_pair=Over[+]there[.]&")


def test_an_empty_box_of_a_second_sentence_closes_with_a_model_that_reads_one(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE).page
    page.evaluate("localStorage.setItem('used', '[\"text\", \"model\"]')")
    page.reload()
    expect(page.locator("[data-hint=pair]")).to_be_visible()
    page.get_by_role("button", name="+ second sentence").click()
    page.select_option("#model", "gpt2-mini")
    expect(page.locator("#text-pair")).to_be_hidden()
    expect(page.locator("#status")).to_contain_text("32 heads")
    expect(page.locator("#notice")).to_have_text("")
    expect(page.locator("[data-hint=pair]")).to_be_hidden()


def test_a_link_with_two_sentences_for_a_model_that_reads_one_is_an_error(
    headscope: Headscope, complaints: Complaints
) -> None:
    complaints.expect("422")
    page = headscope.page
    page.goto(f"{headscope.server}/#model=gpt2-mini&text=Where&text_pair=There")
    expect(page.get_by_role("alert")).to_contain_text(
        "only one text: close the second sentence, or choose a BERT model"
    )
    page.get_by_role("button", name="− second sentence").click()
    expect(page.locator("#status")).to_contain_text("32 heads")


def test_a_question_mark_lists_the_keys_and_escape_closes_the_list(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE).page
    page.focus("#text")
    page.keyboard.press("End")
    page.keyboard.press("?")
    expect(page.locator("#text")).to_have_value(f"{SENTENCE}?")
    page.focus(headscope.cell(*headscope.chosen))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("[role=gridcell]:focus")).to_be_visible()


def test_a_key_that_the_grid_gets_again_once_its_code_has_arrived_does_not_open_the_list_again(
    headscope: Headscope,
) -> None:
    keys = Held(headscope.page, "**/keys_and_preview.js*")
    page = headscope.open(text=SENTENCE).page
    layer, head = headscope.chosen
    page.focus(headscope.cell(layer, head))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("PageUp")
    keys.let_go()
    expect(page.locator(f"{headscope.cell(0, head)}:focus")).to_be_visible()  # the keys have been repeated
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_hint_is_replaced_by_the_next_once_its_control_is_used_and_stays_away(headscope: Headscope) -> None:
    page = headscope.open(text="Hello").page  # with one word, there is little to fold
    hint = page.locator(".display .hint span[data-hint]:visible")
    expect(hint).to_have_attribute("data-hint", "zoom")
    page.get_by_role("button", name="zoom in").click()
    expect(hint).to_have_attribute("data-hint", "scale")
    page.get_by_role("radio", name="log").check(force=True)
    expect(hint).to_have_attribute("data-hint", "fold")
    page.reload()
    expect(hint).to_have_attribute("data-hint", "fold")
    page.get_by_role("button", name="keys as rows").click()
    page.get_by_role("button", name="hide").click()
    # The share of the hidden tokens takes the place of the hint.
    expect(hint).to_have_count(0)
    page.get_by_role("button", name="hide").click()
    # Without a second sentence its buttons are hidden; and the orientation was changed before its hint was shown.
    expect(hint).to_have_attribute("data-hint", "table")
    page.get_by_role("button", name="table", exact=True).click()
    expect(hint).to_have_count(0)


def test_what_only_the_heatmap_can_do_is_disabled_while_the_table_is_shown(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE).page
    expect(page.locator("[data-hint=zoom]")).to_be_visible()
    page.get_by_role("button", name="table", exact=True).click()
    for name in ("pan", "PNG"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
    expect(page.get_by_role("button", name="zoom in")).to_be_enabled()
    expect(page.locator("[data-hint=zoom]")).to_be_hidden()
    page.get_by_role("button", name="heatmap", exact=True).click()
    for name in ("pan", "PNG"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_enabled()
    expect(page.locator("[data-hint=zoom]")).to_be_visible()


def test_the_help_says_what_the_page_shows_and_has_the_links_that_a_phone_hides(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE).page
    page.locator("#keys").click()
    text = page.get_by_role("dialog", name="Help").locator("p")
    expect(text).to_contain_text("The grid has one thumbnail for each attention head.")
    expect(text.get_by_role("link")).to_have_text(["Glossary", "Scores and roles", "API"])


def test_only_a_model_that_reads_two_sentences_has_a_hint_about_it(headscope: Headscope) -> None:
    page, hint = headscope.open(text=SENTENCE).page, headscope.page.locator("[data-hint=pair]")
    page.evaluate("localStorage.setItem('used', '[\"text\", \"model\"]')")
    page.reload()
    expect(hint).to_be_visible()
    headscope.open(model="gpt2-mini", text=SENTENCE)
    expect(page.locator("#model option:checked")).to_contain_text("ready")
    expect(hint).to_be_hidden()
