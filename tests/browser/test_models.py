"""Both included models, and models from the hub."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from fakehub import FakeHub
from playwright.sync_api import BrowserContext, expect
from worlds import live

from headscope.settings import Settings

from .conftest import Complaints, Headscope, listen
from .waiting import saying

REPEATED = "The old bird spoke to a white horse. The old bird spoke to a white horse."
Map = list[list[float]]


@pytest.mark.parametrize(("model", "heads"), [("minilm", 72), ("gpt2-mini", 32)])
def test_a_typed_sentence_shows_its_heads_on_both_models(headscope: Headscope, model: str, heads: int) -> None:
    page = headscope.open().page
    page.select_option("#model", model)
    headscope.run("Birds fly south in winter.")
    expect(page.locator("#status")).to_have_text(re.compile(rf"^\d+ tokens, {heads} heads"), timeout=60_000)
    expect(page.get_by_role("gridcell")).to_have_count(heads)
    headscope.expect_url(f"model={model}&text=Birds")


def attention(server: str) -> tuple[list[str], list[list[Map]]]:
    """The tokens of the repeated sentence, and the pattern of every head of gpt2-mini: [layer head query key]."""
    body = json.dumps({"text": REPEATED, "model": "gpt2-mini"}).encode()
    asked = Request(f"{server}/api/v1/attention", body, {"Content-Type": "application/json"})
    with urlopen(asked) as answer:
        found: dict[str, Any] = json.load(answer)
    return [token["text"] for token in found["tokens"]], found["attention"]


def induction(pattern: Map, period: int) -> float:
    """Mean weight from a token of the second sentence to the successor of the same token in the first."""
    second = range(period, len(pattern))
    return sum(pattern[i][i - period + 1] for i in second) / len(second)


def test_an_induction_head_of_gpt2_mini_attends_to_the_successor_of_the_earlier_copy(headscope: Headscope) -> None:
    """The API says which head it is; the page shows what the example sentence promises."""
    words, maps = attention(headscope.server)
    birds = [at for at, word in enumerate(words) if word.endswith("bird")]
    assert len(birds) == 2
    period = birds[1] - birds[0]
    scores = {(l, h): induction(one, period) for l, layer in enumerate(maps) for h, one in enumerate(layer)}
    layer, head = max(scores, key=lambda place: scores[place])
    weight = maps[layer][head][birds[1]][birds[0] + 1]
    assert weight > 0.5, "the example promises: the second bird attends to the successor of the first"
    headscope.open(model="gpt2-mini", text=REPEATED, layer=layer, head=head)
    expect(headscope.point_at(query=birds[1], key=birds[0] + 1, of=len(words))).to_have_text(
        saying(f'"{words[birds[1]]}"({birds[1]}) attends to "{words[birds[0] + 1]}"({birds[0] + 1}): {weight:.3f}')
    )


def test_the_download_of_a_hub_model_can_be_cancelled_and_repeated(
    beside_a_hub: Headscope, hub: FakeHub, complaints: Complaints
) -> None:
    complaints.expect("409")
    hub.faults["team/tiny"] = "hangs"
    page = beside_a_hub.open(text="The cat sat").page
    page.select_option("#model", label="model from the hub …")
    box = page.get_by_label("id of a model on the Hugging Face hub")
    expect(box).to_be_focused()
    box.press("Escape")
    expect(page.locator("#model")).to_have_value("local:bert")
    page.select_option("#model", label="model from the hub …")
    box.fill("team/tiny")
    box.press("Enter")
    expect(page.locator("#status")).to_have_text("downloading team/tiny")
    expect(page.locator("#progress .amount")).to_have_text(re.compile(r"^0\.\d MB of 0\.\d MB$"))
    bar = page.get_by_role("progressbar", name="download")
    expect(bar).not_to_have_js_property("value", 0)
    assert 0 < float(bar.evaluate("bar => bar.value")) < 1
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#status")).to_have_text("cancelled")
    expect(bar).to_be_hidden()
    hub.faults.clear()
    hub.go_on.set()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#status")).to_contain_text("12 heads")
    expect(page.locator("#model")).to_have_value("team/tiny")
    beside_a_hub.expect_url("model=team(%2F|/)tiny")


def test_the_list_of_models_is_grouped_by_where_they_come_from(headscope: Headscope) -> None:
    page = headscope.open().page
    groups = page.locator("#model optgroup")
    expect(groups).to_have_count(2)
    assert [group.get_attribute("label") for group in groups.all()] == ["included", "Hugging Face hub"]
    expect(groups.nth(0).locator("option[value=smollm2]")).to_have_attribute("title", re.compile("small modern"))
    expect(groups.nth(1).locator("option[value='Qwen/Qwen3-0.6B']")).to_contain_text("28 × 16")
    expect(groups.nth(1).locator("option").last).to_have_text("model from the hub …")


@pytest.mark.fault(9, 45)
def test_the_name_of_a_model_folder_is_shown_as_text(
    context: BrowserContext, complaints: Complaints, tmp_path: Path
) -> None:
    name = "<img src=x onerror=boom()>"
    (tmp_path / name).mkdir()
    (tmp_path / name / "config.json").write_text("{}")
    complaints.expect("404")
    with live(Settings(model="gpt2-mini", models_dir=tmp_path)) as server:
        page = context.new_page()
        listen(page, server, complaints)
        Headscope(page, server).open(text="The cat sat")
        expect(page.locator("#model option", has_text=f"local:{name}")).to_contain_text("failed: its name has to be")
        page.select_option("#model", f"local:{name}")
        expect(page.get_by_role("alert")).to_contain_text(f"local:{name}: this server has no such model")
        expect(page.locator("img")).to_have_count(0)
