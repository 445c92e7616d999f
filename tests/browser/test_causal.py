"""The page on an invented causal model with 1 layer, 2 heads and uniform weights. The server only serves the files."""

import base64
import io
import json
import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from .conftest import Headscope, colours
from .waiting import saying

CARD = {
    "id": "toy",
    "title": "Toy",
    "family": "toy",
    "source": "local",
    "layers": 1,
    "heads": 2,
    "max_tokens": 512,
    "causal": True,
    "state": "ready",
}


def even(count: int) -> np.ndarray:
    """Each query attends to itself and all earlier tokens with the same weight."""
    return np.tril(np.ones((count, count), np.float32)) / np.arange(1, count + 1, dtype=np.float32)[:, None]


def npy(route: Route, array: np.ndarray) -> None:
    body = io.BytesIO()
    np.save(body, array)
    queries, keys = array.shape
    facts = json.dumps({"rows": [0, queries], "columns": [0, keys], "query_step": 1, "key_step": 1, "exact": True})
    route.fulfill(body=body.getvalue(), headers={"Content-Type": "application/x-npy", "X-Headscope": facts})


def invent(page: Page, words: list[str]) -> None:
    tokens = [{"index": i, "id": i, "text": word, "special": False, "segment": 0} for i, word in enumerate(words)]
    count = len(words)
    capture = {"id": "toy", "model": CARD, "tokens": tokens, "layers": 1, "heads": 2, "queries": count, "keys": count}
    page.route("**/api/v1/models", lambda route: route.fulfill(json={"default": "toy", "models": [CARD]}))
    small = np.stack([np.sqrt(even(count)) * 255] * 2).round().astype(np.uint8)
    layer = {"layer": 0, "cells": count, "bend": "sqrt", "maps": base64.b64encode(small.tobytes()).decode()}
    said = "".join(
        f"event: {name}\ndata: {json.dumps(data)}\n\n"
        for name, data in (("tokens", capture), ("layer", layer), ("done", capture))
    )
    page.route("**/api/v1/captures?*", lambda route: route.fulfill(body=said, content_type="text/event-stream"))
    page.route("**/heads/*", lambda route: npy(route, even(count)))
    page.route("**/heads/*/*?*", lambda route: npy(route, even(count)))


@pytest.fixture
def toy(headscope: Headscope) -> Callable[..., Headscope]:
    def opened(*words: str) -> Headscope:
        invent(headscope.page, list(words))
        return headscope.open(model="toy", text=" ".join(words), layer=0, head=1)

    return opened


def test_a_later_key_has_no_weight_and_the_tooltip_says_why(toy: Callable[..., Headscope]) -> None:
    headscope = toy("one", "two", "three", "four")
    expect(headscope.point_at(1, 3, of=4)).to_have_text(
        saying('"two"(1) may not attend to "four"(3), which comes later')
    )
    expect(headscope.point_at(3, 1, of=4)).to_have_text(saying('"four"(3) attends to "two"(1): 0.250'))
    expect(headscope.page.locator("#grid .masked")).to_be_visible()


def test_masked_cells_have_the_same_grey(toy: Callable[..., Headscope], browser: Browser) -> None:
    headscope = toy("one", "two", "three", "four")
    masked = headscope.screenshot_of(1 / 2, 0, 3 / 4, 1 / 4)
    stage = headscope.page.locator("#heatmap .stage")
    grey = stage.evaluate("one => getComputedStyle(one).getPropertyValue('--masked')")
    assert colours(browser, masked) == {grey}


def test_one_token_has_a_heatmap_and_only_the_scores_that_it_has(toy: Callable[..., Headscope]) -> None:
    headscope = toy("alone")
    headscope.expect_labels(["alone"])
    expect(headscope.point_at(0, 0, of=1)).to_have_text(saying('"alone"(0) attends to "alone"(0): 1.000'))
    expect(headscope.page.locator("#facts").get_by_role("row")).to_have_text([re.compile(r"itself\s+1\.000")])
    expect(headscope.page.locator("#grid .masked")).to_be_hidden()
    expect(headscope.page.get_by_role("button", name="zoom in")).to_be_disabled()
    expect(headscope.page.locator("#status")).to_contain_text("1 token, 2 heads")


@pytest.mark.fault(5, 9)
@pytest.mark.parametrize(
    "word",
    ["שלום", "👩‍👩‍👧‍👦", "漢字仮名交じり文の長い言葉", "Donaudampfschifffahrtsgesellschaft", "e\u0301\u200d\u202e"],
)
def test_labels_of_any_script_stay_inside_the_stage(toy: Callable[..., Headscope], word: str) -> None:
    headscope = toy("one", word, "<s>", "&lt;")
    page = headscope.page
    labels = page.locator("#heatmap .ytick text")
    expect(labels).to_have_count(4)
    for at, label in ((2, "<s>"), (3, "&lt;")):
        expect(labels.nth(at)).to_have_text(saying(label))
    expect(headscope.point_at(2, 1, of=4)).to_have_text(saying(f'"<s>"(2) attends to "{word}"(1): 0.333'))
    stage = page.locator("#heatmap .stage").bounding_box()
    assert stage is not None
    for label in page.locator("#heatmap .ytick text, #heatmap .xtick text").all():
        box = label.bounding_box()
        assert box is not None
        assert box["x"] >= stage["x"]
        assert box["y"] >= stage["y"]
