"""Time between frames while the heatmap is dragged."""

import time as clock
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median
from urllib.parse import urlencode

from playwright.sync_api import Page

from .browser import opened
from .measurements import Row
from .models import random_gpt2, text
from .server import running_server

TOKENS = 1024
WINDOW = "256:768"  # the whole picture cannot be moved
STEPS = 80
# Milliseconds between frames, recorded while window.gaps is a list.
WATCH = """
window.gaps = null;
let before = 0;
const look = (now) => {
  window.gaps?.push(now - before);
  before = now;
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


def drag(page: Page) -> list[float]:
    """Drag the heatmap there and back."""
    # On the page, a drag zooms by default; here it pans.
    page.evaluate('() => Plotly.relayout(document.querySelector("#heatmap .plot"), { dragmode: "pan" })')
    area = page.locator("#heatmap .plot .nsewdrag").first.bounding_box()
    assert area is not None
    x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("() => { window.gaps = []; }")
    for step in range(STEPS):
        away = 2 * min(step, STEPS - step)
        page.mouse.move(x + away, y + away)
    gaps: list[float] = page.evaluate("() => { const all = window.gaps; window.gaps = null; return all; }")
    page.mouse.up()
    page.wait_for_timeout(500)
    return gaps[1:]  # the first frame began before the drag


def rows(quick: bool) -> Iterator[Row]:
    """Several drags over a heatmap of 1,024 tokens."""
    address = urlencode({"text": text(TOKENS), "layer": 5, "head": 5, "rows": WINDOW, "columns": WINDOW})
    with ExitStack() as stack:
        url = stack.enter_context(running_server(random_gpt2()))
        page = stack.enter_context(opened(f"{url}/#{address}", WATCH))
        until = clock.monotonic() + (5 if quick else 90)
        drags = [drag(page) for _ in range(3)]
        while len(drags) < 12 and clock.monotonic() < until:
            drags.append(drag(page))
    best = min(median(gaps) for gaps in drags)
    every = sorted(gap for gaps in drags for gap in gaps)
    comparison = f"over {len(drags)} drags {median(every):.0f} ms; 95th percentile {every[-len(every) // 20]:.0f} ms"
    what = f"frame time while panning a heatmap of {TOKENS:,} tokens, median of the smoothest drag"
    yield Row(what, f"{best:.0f} ms", "<= 33 ms", comparison, best <= 33)
