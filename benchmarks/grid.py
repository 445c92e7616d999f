"""Time from a text to the pictures of all heads in the browser, compared with a plain forward pass of the model."""

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
from .measure import Timings, interleaved, seconds
from .measurements import Row, milliseconds, time
from .models import HEADS, LAYERS, random_gpt2, text
from .server import running_server
from .worker import Worker, worker

CELLS = 32  # of a thumbnail, as the page requests them
TARGETS = {128: "<= forward + 0.5 s", 1024: "<= 1.6 x the forward pass"}
# Time from the key press that runs the text to the frame that shows each thumbnail.
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
  const place = `${layer}/${given[1] / given[3]}`;  // its number within the layer: left edge divided by width
  requestAnimationFrame(() => shown.has(place) || shown.set(place, performance.now() - began));
};
window.thumbnails = () => [...shown].map(([place, at]) => [Number(place.split("/")[0]), at]);
"""


def shown(page: Page, tokens: int) -> Timings:
    """Seconds until the first layer is on the screen, and until all layers are."""
    page.fill("#text", text(tokens))
    page.press("#text", "Control+Enter")
    found: list[tuple[int, float]] = []
    while len(found) < LAYERS * HEADS:  # waiting inside the page needs eval, which its security policy forbids
        page.wait_for_timeout(20)
        found = page.evaluate("() => window.thumbnails()")
    page.locator(".heads[aria-busy='false']").wait_for()
    page.wait_for_timeout(500)  # the heatmap comes after the grid, and is not measured here
    return {
        "all": max(at for _, at in found) / 1000,
        "first layer": max(at for layer, at in found if layer == 0) / 1000,
    }


@torch.inference_mode()
def of_a_layer(folder: Path, tokens: int, quick: bool) -> Iterator[Row]:
    """Time of one layer's thumbnails and of its forward pass. Both are so short that some runs are not interrupted."""
    block = GPT2Model.from_pretrained(folder, attn_implementation="sdpa").eval().h[0]
    layer = run(load(folder, ModelCard("random", "", "gpt2", "local")), text(tokens)).layers[0]
    hidden = torch.randn(1, tokens, block.ln_1.normalized_shape[0])
    best = interleaved(
        lambda: {"forward": seconds(lambda: block(hidden))},
        lambda: {"thumbnails": seconds(lambda: thumbnails(layer, CELLS, "sqrt"))},
        budget=5 if quick else 60,
        rounds=(3, 1000),
    )
    ratio = best["thumbnails"] / best["forward"]
    what = f"one layer's {HEADS} thumbnails, {tokens:,} tokens, in the server"
    yield Row(
        what,
        f"{milliseconds(best['thumbnails'])}: {ratio:.2f} x the forward pass",
        "",
        f"forward pass of the layer {time(best['forward'])}",
    )


def rows(quick: bool) -> Iterator[Row]:
    """At 128 and at 1,024 tokens."""
    folder = random_gpt2()
    yield from of_a_layer(folder, 1024, quick)
    with ExitStack() as stack:
        url = stack.enter_context(running_server(folder))
        page = stack.enter_context(opened(url, WATCH))
        plain = stack.enter_context(worker("forward", "sdpa", folder))
        for tokens in TARGETS:
            yield from of_size(page, plain, tokens, quick)


def of_size(page: Page, plain: Worker, tokens: int, quick: bool) -> Iterator[Row]:
    best = interleaved(
        lambda: {"forward": plain.ask(tokens=tokens)["seconds"]},
        lambda: shown(page, tokens),
        budget=5 if quick else 120,
    )
    forward, whole, first = best["forward"], best["all"], best["first layer"]
    what, comparison = f"text to all {LAYERS * HEADS} thumbnails, {tokens:,} tokens", f"forward {time(forward)}"
    if whole < forward:  # impossible, as it contains a forward pass
        yield Row(
            what, f"{time(whole)}, less than the forward pass: the machine is too busy", TARGETS[tokens], comparison
        )
    elif tokens == 128:
        over = whole - forward
        yield Row(what, f"{time(whole)}: forward + {time(over)}", TARGETS[tokens], comparison, over <= 0.5)
    else:
        ratio = whole / forward
        yield Row(what, f"{time(whole)}: {ratio:.2f} x the forward pass", TARGETS[tokens], comparison, ratio <= 1.6)
    if tokens != 128:
        what, soon = f"first layer on the screen, {tokens:,} tokens", first / forward
        yield Row(
            what, f"{time(first)}: {soon:.2f} x the forward pass", "<= 0.3 x the forward pass", comparison, soon <= 0.3
        )
