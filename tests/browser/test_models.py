"""Both bundled models, typed at and looked at."""

import re

import pytest
from playwright.sync_api import expect

from .conftest import Headscope

REPEATED = "The old bird spoke to a white horse. The old bird spoke to a white horse."
SIZE = 18  # tokens of it for gpt2-mini


@pytest.mark.parametrize(("model", "heads"), [("minilm", 72), ("gpt2-mini", 32)])
def test_a_sentence_typed_in_shows_its_heads_on_either_model(headscope: Headscope, model: str, heads: int) -> None:
    page = headscope.open().page
    page.select_option("#model", model)
    headscope.run("Birds fly south in winter.")
    expect(page.locator("#status")).to_have_text(re.compile(rf"^\d+ tokens, {heads} heads"), timeout=60_000)
    expect(page.locator("#grid canvas")).to_have_count(heads)
    assert f"model={model}&text=Birds" in page.url


def test_an_induction_head_of_gpt2_mini_looks_at_what_followed_the_first_time(headscope: Headscope) -> None:
    headscope.open(model="gpt2-mini", text=REPEATED, layer=3, head=5)
    said = headscope.point_at(query=11, key=3, of=SIZE)  # as the probe says
    assert re.search(r'"·bird" attends to "·spoke": (0\.9|1\.0)', said), said
