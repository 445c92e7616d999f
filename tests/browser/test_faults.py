"""How the page handles faults of the text, the server or the connection, and edited texts."""

import re
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from .conftest import SENTENCE, TOKENS, Complaints, Headscope
from .waiting import Held, saying


@pytest.fixture
def too_long(headscope: Headscope, complaints: Complaints) -> Headscope:
    """The page after a text of 602 tokens."""
    complaints.expect("422")
    headscope.open(text=SENTENCE).run("word " * 600)
    return headscope


def test_an_error_of_the_server_is_shown_below_the_text_box(too_long: Headscope) -> None:
    page = too_long.page
    error, box = page.get_by_role("alert"), page.locator("#text")
    expect(error).to_have_text(re.compile(r"602.*512"))
    expect(error).not_to_contain_text("truncate")
    expect(box).to_have_attribute("aria-invalid", "true")
    expect(box).to_have_accessible_description(re.compile(r"602.*512"))
    expect(page.locator("#model")).to_have_attribute("aria-invalid", "false")
    said, typed, label = error.bounding_box(), box.bounding_box(), page.locator("#ask .name").first.bounding_box()
    assert said is not None
    assert typed is not None
    assert label is not None
    assert said["x"] == pytest.approx(label["x"], abs=2)
    assert 0 <= said["y"] - typed["y"] - typed["height"] < 12
    expect(page.locator("#retry")).to_be_hidden()
    too_long.run(SENTENCE)
    expect(error).to_have_text("")
    expect(box).to_have_attribute("aria-invalid", "false")


def test_a_failed_run_keeps_the_previous_pictures_dimmed_and_usable(too_long: Headscope) -> None:
    page = too_long.page
    expect(page.locator("#stale")).to_have_text("The heatmaps show the previous text.")
    expect(page.locator("main")).to_have_class(re.compile("stale"))
    too_long.expect_labels(TOKENS)
    too_long.choose(4, 7)
    expect(page.locator("#stale")).not_to_have_text("")
    quiet = page.locator("#strip .readout").evaluate("one => getComputedStyle(one).color")
    for shown in ("#facts", "#strip .tokens button >> nth=1", "#strip input[type=search]"):
        assert page.locator(shown).evaluate("one => getComputedStyle(one).color") == quiet
    too_long.run(SENTENCE)
    expect(page.locator("#stale")).to_have_text("")
    expect(page.locator("main")).not_to_have_class(re.compile("stale"))


def test_if_the_first_run_fails_the_page_says_why_there_is_no_heatmap(
    headscope: Headscope, complaints: Complaints
) -> None:
    complaints.expect("422")
    headscope.page.goto(f"{headscope.server}/#text={'word+' * 600}")
    expect(headscope.page.locator("#heatmap .empty")).to_have_text("No heatmap: see the message above.")
    expect(headscope.page.get_by_role("button", name="Cut off the end of the text")).to_be_visible()


def test_a_lost_connection_can_be_tried_again(headscope: Headscope, complaints: Complaints) -> None:
    complaints.expect("ERR_FAILED")
    page = headscope.page
    page.route("**/api/v1/captures?*", lambda route: route.abort())
    page.goto(headscope.server)
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    page.unroute("**/api/v1/captures?*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#status")).to_contain_text("72 heads")
    expect(page.locator("#retry")).to_be_hidden()


def test_the_previous_pictures_cannot_be_used_while_a_new_text_runs(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0).page
    run = Held(page, "**/api/v1/captures?*")
    headscope.run("Another")
    views = page.locator(".views")
    expect(views).to_have_attribute("aria-busy", "true")
    sections = page.locator(".views section:not([inert])")
    expect(sections).to_have_count(0)
    page.mouse.click(*middle(page, headscope.cell(3, 3)))
    run.let_go()
    expect(sections).to_have_count(4)
    headscope.expect_chosen(0, 0)
    expect(page.locator("#heatmap h2")).to_have_text("Layer 0, head 0")


def middle(page: Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def evict(headscope: Headscope) -> None:
    """Delete the capture that the page shows."""
    link = headscope.page.locator('[data-export="npy"][href]').get_attribute("href") or ""
    with urlopen(Request(headscope.server + link.split("/heads/")[0], method="DELETE")) as answer:
        assert answer.status == 204


def test_an_evicted_capture_is_captured_again(headscope: Headscope, complaints: Complaints) -> None:
    complaints.expect("404")
    page = headscope.open(text="Soon forgotten", layer=0, head=0).page
    evict(headscope)
    headscope.choose(4, 7)
    expect(page.get_by_role("alert")).to_have_text("")


def test_the_end_of_a_text_that_is_too_long_can_be_cut_off(too_long: Headscope) -> None:
    page = too_long.page
    page.get_by_role("button", name="Cut off the end").click()
    expect(page.locator("#status")).to_contain_text("512 tokens (90 more cut off), 72 heads", timeout=60_000)
    too_long.expect_url("truncate=1")
    expect(page.get_by_role("button", name="Cut off the end")).to_be_hidden()
    too_long.run(SENTENCE)
    expect(page.locator("#status")).to_contain_text("9 tokens, 72 heads")
    too_long.expect_url_without("truncate")


def test_without_a_text_the_page_shows_nothing_and_says_so(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE).page
    headscope.run("   ")
    expect(page.locator("#heatmap .empty")).to_have_text(
        "The text box is empty. Type a sentence, or choose an example."
    )
    expect(page.locator("#status")).to_have_text("The text box is empty.")
    expect(page.get_by_role("button", name="PNG")).to_be_disabled()
    for name in ("words", "weights", "effect", "effect of layer"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
    expect(page.get_by_label("colour by")).to_be_disabled()
    expect(page.locator(".display [data-hint]:visible")).to_have_count(0)
    expect(page.locator("#grid [aria-selected=true]")).to_have_count(0)
    expect(page.locator("#facts")).to_be_hidden()
    headscope.run(SENTENCE)
    page.locator("#heatmap .main-svg").first.wait_for()
    expect(page.locator("#facts")).to_be_visible()
    expect(page.get_by_role("button", name="words", exact=True)).to_be_enabled()
    expect(page.get_by_label("colour by")).to_be_enabled()
    expect(page.locator("#grid [aria-selected=true]")).to_have_count(1)


def test_a_quantity_that_failed_can_be_left_again(headscope: Headscope, complaints: Complaints) -> None:
    complaints.expect("ERR_FAILED")
    page = headscope.open(text=SENTENCE, layer=0, head=0).page
    page.route("**/norms/**", lambda route: route.abort())
    page.route("**/heads/**quantity=norm**", lambda route: route.abort())
    page.get_by_role("button", name="effect of layer").click()
    expect(page.locator("#error")).not_to_have_text("")
    page.get_by_role("button", name="weights", exact=True).click()
    page.locator("#heatmap .main-svg").first.wait_for()
    expect(page.locator("#error")).to_have_text("")


def test_a_text_of_maximum_length_is_usable(headscope: Headscope) -> None:
    page = headscope.open(text="word " * 510, layer=2, head=3).page
    expect(page.locator("#status")).to_contain_text("512 tokens")
    assert 5 < page.locator("#heatmap .ytick text").count() < 60
    # There are more tokens than rows of pixels.
    said = headscope.point_at(400, 20, of=512)
    expect(said).to_have_text(saying("queries 400–401, keys 20: largest weight ", more=""))
    page.focus("#heatmap .stage")
    for _ in range(5):
        page.keyboard.press("+")
    headscope.expect_labels(["word"] * 16)


@pytest.mark.fault(9)
def test_markup_in_a_text_is_shown_as_text(headscope: Headscope) -> None:
    text = "<script>boom()</script> <s> &amp;"  # short enough for a label at every token
    page = headscope.open(text=text, layer=0, head=0).page
    labels = page.locator("#heatmap .ytick text")
    for label in ("<", "&"):
        expect(labels.filter(has_text=saying(label))).not_to_have_count(0)
    page.hover(headscope.cell(0, 1))
    expect(headscope.point_at(1, 1, of=labels.count())).to_have_text(saying('"<"(1) attends to "<"(1)', more=""))
    expect(page.locator("#heatmap img, #grid img, main script")).to_have_count(0)


def test_a_panel_that_opens_during_a_run_does_not_abort_it(headscope: Headscope, complaints: Complaints) -> None:
    """The capture of the previous text is evicted, so the panel would have to capture a text itself."""
    complaints.expect("404")
    page = headscope.open(text="Soon evicted", layer=0, head=0).page
    evict(headscope)
    run = Held(page, "**/api/v1/captures?*")
    headscope.run("Something else")
    page.get_by_role("button", name="scores", exact=True).click()
    # When the panel has its controls, its analyses have decided whether to start.
    expect(page.get_by_role("button", name="induction probe")).to_be_visible()
    run.let_go()
    expect(page.locator("#status")).to_contain_text("4 tokens, 72 heads")
    page.locator("#scores .nsewdrag").wait_for()
    expect(page.locator("#error")).to_have_text("")


def test_a_head_is_shown_although_a_panel_waits_for_the_same_evicted_capture(
    headscope: Headscope, complaints: Complaints
) -> None:
    complaints.expect("404")
    page = headscope.open(text="Evicted soon", layer=0, head=0).page
    evict(headscope)
    captured_again = Held(page, "**/api/v1/captures")
    page.get_by_role("button", name="scores", exact=True).click()
    captured_again.first()
    with page.expect_response(lambda answer: "/heads/4/7" in answer.url and answer.status == 404):
        page.click(headscope.cell(4, 7))
    captured_again.let_go()
    page.get_by_role("heading", name="Layer 4, head 7", exact=True).wait_for()
    page.locator("#scores .nsewdrag").wait_for()


def test_a_long_wait_can_be_cancelled_whatever_it_waits_for(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0).page
    page.route("**/api/v1/captures?*", lambda _: None)
    headscope.run("Another text")
    cancel = page.get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible()
    cancel.click()
    expect(page.locator("#status")).to_have_text("cancelled")
    expect(cancel).to_be_hidden()
    expect(page.locator(".views section:not([inert])")).to_have_count(4)
    page.unroute("**/api/v1/captures?*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#status")).to_contain_text("4 tokens, 72 heads")


def test_an_edited_text_is_marked_as_not_run_and_survives_a_reload(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0).page
    note, main = page.locator("#stale"), page.locator("main")
    expect(note).to_have_text("")
    page.fill("#text", "Edited, but not run")
    expect(note).to_contain_text("previous text")
    expect(page.locator("#status")).to_contain_text("previous text: 9 tokens")
    expect(main).to_have_class(re.compile("stale"))
    headscope.expect_url_without("Edited")
    page.reload()
    expect(page.locator("#text")).to_have_value("Edited, but not run")
    expect(page.locator("#status")).to_contain_text("9 tokens")
    expect(note).to_contain_text("previous text")
    page.fill("#text", SENTENCE)
    expect(note).to_have_text("")
    expect(main).not_to_have_class(re.compile("stale"))
    page.fill("#text", "Edited and run")
    page.press("#text", "Control+Enter")
    expect(page.locator("#status")).to_contain_text("5 tokens")
    expect(note).to_have_text("")
    page.reload()
    expect(page.locator("#text")).to_have_value("Edited and run")


def test_a_link_that_is_opened_in_the_tab_of_a_draft_shows_its_own_text(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0).page
    page.fill("#text", "A draft")
    page.goto("about:blank")
    headscope.open(text="From a link", layer=0, head=0)
    expect(page.locator("#text")).to_have_value("From a link")
    expect(page.locator("#stale")).to_have_text("")


def test_a_draft_of_a_second_sentence_is_kept_too(headscope: Headscope) -> None:
    page = headscope.open(text=SENTENCE, layer=0, head=0).page
    page.click("#pair")
    page.fill("#text-pair", "It purred.")
    expect(page.locator("#stale")).to_contain_text("previous text")
    page.reload()
    expect(page.locator("#text-pair")).to_have_value("It purred.")
    expect(page.locator("#pair")).to_have_attribute("aria-expanded", "true")
    page.click("#pair")
    expect(page.locator("#stale")).to_have_text("")
    expect(page.locator("#text-pair")).to_be_hidden()


def test_the_reason_against_two_sentences_goes_with_the_next_action(headscope: Headscope) -> None:
    page = headscope.open(model="gpt2-mini", text=SENTENCE, layer=0, head=0).page
    notice = page.locator("#notice")
    page.click("#pair", force=True)
    expect(notice).to_contain_text("was not trained on two sentences")
    headscope.choose(1, 1)
    expect(notice).to_have_text("")
    page.click("#pair", force=True)
    expect(notice).to_contain_text("was not trained on two sentences")
    page.fill("#text", "Typed")
    expect(notice).to_have_text("")
