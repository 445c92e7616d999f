"""The target of a model with an encoder and a decoder: typed, written by the model, and dropped for other models."""

import re
from threading import Event

import pytest
from encoder_decoders import TARGET, TEXT
from playwright.sync_api import expect

from headscope.models import targets

from .conftest import SENTENCE, Complaints, Headscope
from .waiting import PATIENCE

GIVEN = {"text": TEXT, "target": TARGET}
FIELD = re.compile("^target")


def test_a_target_that_is_typed_is_read_by_the_decoder(translator: Headscope) -> None:
    page = translator.open(text=TEXT, stack="decoder").page
    page.get_by_label(FIELD).fill("a bird and a dog")
    expect(page.locator("#stale")).to_have_text("The heatmaps show the previous text.")
    page.get_by_role("button", name="Run").click()
    translator.expect_labels(["<pad>", "a", "bird", "and", "a", "dog"])
    translator.expect_url(r"target=a\+bird\+and\+a\+dog&stack=decoder")
    expect(page.locator(".ask .by")).to_be_hidden()


def test_what_the_model_writes_is_shown_while_it_writes_and_stays_as_written_by_it(
    translator: Headscope, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = translator.open(text="the dog saw a bird near the old house", target=TARGET).page
    box = page.get_by_label(FIELD)
    goes_on, add = Event(), targets.WrittenTarget.add

    def wait_after_three(written: targets.WrittenTarget, number: int) -> None:
        if len(written.tokens) == 4:  # the start token is the first
            assert goes_on.wait(PATIENCE)
        add(written, number)

    monkeypatch.setattr(targets.WrittenTarget, "add", wait_after_three)
    box.fill("")
    box.press("Control+Enter")
    expect(page.locator("#status")).to_have_text("writing the target … 3 tokens")
    expect(box).to_have_value(re.compile(r"^\S+ ?\S+ ?\S+$"))
    goes_on.set()
    expect(page.locator("#status")).to_contain_text("target of 7 tokens")
    expect(box).to_have_value(re.compile(r"^(\S+ ){5}\S+$"))
    expect(page.locator(".ask .by")).to_be_visible()
    translator.expect_url_without("target=")
    # What the reader changes is given.
    box.press_sequentially("!")
    expect(page.locator(".ask .by")).to_be_hidden()
    expect(page.locator("#stale")).not_to_have_text("")


def test_a_target_that_is_too_long_is_marked_and_the_text_is_not(translator: Headscope, complaints: Complaints) -> None:
    complaints.expect("422")
    page = translator.open(text=TEXT, target=TARGET).page
    box = page.get_by_label(FIELD)
    box.fill("a dog " * 1100)
    box.press("Control+Enter")
    expect(page.locator("#error")).to_contain_text("The target has 2,201 tokens")
    expect(box).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#text")).to_have_attribute("aria-invalid", "false")
    expect(page.locator("#cut")).to_be_hidden()


def test_an_emptied_box_stays_empty_for_another_target(translator: Headscope) -> None:
    page = translator.open(text=TEXT).page
    box = page.get_by_label(FIELD)
    expect(box).not_to_have_value("")
    box.fill("")
    expect(box).to_have_value("")
    expect(box).to_have_attribute("placeholder", re.compile("the model writes it"))
    box.press_sequentially("a dog")
    expect(box).to_have_value("a dog")


def test_a_typed_target_survives_a_reload(translator: Headscope) -> None:
    page = translator.open(**GIVEN).page
    box = page.get_by_label(FIELD)
    box.fill("a red bird")
    page.reload()
    expect(box).to_have_value("a red bird")
    translator.expect_url(r"target=a\+dog")


def test_another_model_hides_the_controls_and_gets_no_target(translator: Headscope) -> None:
    page = translator.open(**GIVEN, stack="cross").page
    page.select_option("#model", "gpt2-mini")
    expect(page.locator("#heatmap h2")).to_have_text(re.compile(r"^Layer \d, head \d$"))
    expect(page.locator(".stacks")).to_be_hidden()
    expect(page.get_by_label(FIELD)).to_be_hidden()
    expect(page.locator("#strip .tokens:visible")).to_have_count(1)
    expect(page.get_by_role("radio", name="attends to", exact=True)).to_be_visible()
    translator.expect_url_without("stack|target")


def test_a_link_with_a_stack_that_the_model_does_not_have_says_so(
    translator: Headscope, complaints: Complaints
) -> None:
    complaints.expect("422")
    page = translator.open(model="gpt2-mini", text=SENTENCE, target="a dog", stack="cross").page
    notice = page.locator("#notice")
    expect(notice).to_contain_text("stack=cross")
    expect(notice).to_contain_text("target: gpt2-mini has no decoder")
    translator.expect_url_without("stack|target")
