"""From a text to the pictures of all its heads in the browser, beside a plain forward of the same model."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import torch
from playwright.sync_api import Page
from transformers import GPT2Model

from headscope.capture.capture import run
from headscope.capture.windows import thumbnails
from headscope.models.loading import load
from headscope.records import ModelCard

from .browser import opened
from .figures import Row, milliseconds, time
from .measure import Figures, in_turns, seconds
from .models import HEADS, LAYERS, random_gpt2, text
from .served import served
from .work import Worker, worker

CELLS = 32  # of a thumbnail, as the page asks for them
ASKED = {128: "<= forward + 0.5 s", 1024: "<= 1.6 x the forward"}
# From the key that runs the text to the frame that shows each thumbnail.
WATCH = """
let began = 0;
const shown = new Map();
addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.ctrlKey) return;
  began = performance.now();
  shown.clear();
}, true);
const draw = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (...given) {
  draw.apply(this, given);
  const { layer } = this.canvas.parentElement?.dataset ?? {};
  if (!layer) return;
  const place = `${layer}/${given[1] / given[3]}`;  // its left among those of its layer, by its width
  requestAnimationFrame(() => shown.has(place) || shown.set(place, performance.now() - began));
};
window.thumbnails = () => [...shown].map(([place, at]) => [Number(place.split("/")[0]), at]);
"""


def shown(page: Page, tokens: int) -> Figures:
    """Seconds until the first layer, and until all are on the screen."""
    page.fill("#text", text(tokens))
    page.press("#text", "Control+Enter")
    found: list[tuple[int, float]] = []
    while len(found) < LAYERS * HEADS:  # waiting in the page itself would need eval, which its policy forbids
        page.wait_for_timeout(20)
        found = page.evaluate("() => window.thumbnails()")
    page.locator(".heads[aria-busy='false']").wait_for()
    page.wait_for_timeout(500)  # the big picture follows, and is no part of this
    return {
        "all": max(at for _, at in found) / 1000,
        "first layer": max(at for layer, at in found if layer == 0) / 1000,
    }


@torch.inference_mode()
def of_a_layer(folder: Path, tokens: int, quick: bool) -> Iterator[Row]:
    """What one layer's thumbnails add to its forward: pieces so short that a busy machine leaves some of them alone."""
    block = GPT2Model.from_pretrained(folder, attn_implementation="sdpa").eval().h[0]
    layer = run(load(folder, ModelCard("random", "", "gpt2", "local")), text(tokens)).layers[0]
    hidden = torch.randn(1, tokens, block.ln_1.normalized_shape[0])
    best = in_turns(
        lambda: {"forward": seconds(lambda: block(hidden))},
        lambda: {"thumbnails": seconds(lambda: thumbnails(layer, CELLS, "sqrt"))},
        budget=5 if quick else 60,
        rounds=(3, 1000),
    )
    ratio = best["thumbnails"] / best["forward"]
    what = f"one layer's {HEADS} thumbnails, {tokens:,} tokens, in the server"
    yield Row(what, f"{milliseconds(best['thumbnails'])}: {ratio:.2f} x", "", f"its forward {time(best['forward'])}")


def rows(quick: bool) -> Iterator[Row]:
    """At 128 and at 1,024 tokens."""
    folder = random_gpt2()
    yield from of_a_layer(folder, 1024, quick)
    with ExitStack() as stack:
        url = stack.enter_context(served(folder))
        page = stack.enter_context(opened(url, WATCH))
        plain = stack.enter_context(worker("forward", "sdpa", folder))
        for tokens in ASKED:
            yield from of_size(page, plain, tokens, quick)


def of_size(page: Page, plain: Worker, tokens: int, quick: bool) -> Iterator[Row]:
    best = in_turns(
        lambda: {"forward": plain.ask(tokens=tokens)["seconds"]},
        lambda: shown(page, tokens),
        budget=5 if quick else 120,
    )
    forward, whole, first = best["forward"], best["all"], best["first layer"]
    what, beside = f"text to all {LAYERS * HEADS} thumbnails, {tokens:,} tokens", f"forward {time(forward)}"
    if whole < forward:  # a forward is a part of it
        yield Row(what, f"{time(whole)}, less than the forward: too busy a machine", ASKED[tokens], beside)
    elif tokens == 128:
        over = whole - forward
        yield Row(what, f"{time(whole)}: forward + {time(over)}", ASKED[tokens], beside, over <= 0.5)
    else:
        ratio = whole / forward
        yield Row(what, f"{time(whole)}: {ratio:.2f} x the forward", ASKED[tokens], beside, ratio <= 1.6)
    if tokens != 128:
        what, soon = f"first layer on the screen, {tokens:,} tokens", first / forward
        yield Row(what, f"{time(first)}: {soon:.2f} x the forward", "<= 0.3 x the forward", beside, soon <= 0.3)
