"""Pictures of other tools, from the call that creates them until Chromium has drawn them."""

import time as clock
from collections.abc import Iterator

from playwright.sync_api import Browser, Error

from .bertviz_scripts import serve_scripts
from .browser import SIZE, browser
from .measurements import Row, megabytes, time
from .paths import CACHE
from .peers import PeerMissing, interpreter
from .worker import WorkFailed, worker

# peer, view, tokens, what it draws
VIEWS = (
    ("bertviz", "model_view", 128, "144 heads"),
    ("bertviz", "head_view", 128, "one layer of 12"),
    ("circuitsvis", "attention_heads", 128, "12 heads"),
    ("circuitsvis", "attention_heads", 512, "12 heads"),
)
# A picture is complete when the document and all canvases have not changed for two seconds of frames.
QUIET_FRAMES = 120
LONGEST = 600
WATCH = """
const all = document.getElementsByTagName("*");
const drawing = (window.drawing = { count: 0, quiet: 0, changed: 0 });
const change = () => Object.assign(drawing, { quiet: 0, changed: performance.timeOrigin + performance.now() });
const put = CanvasRenderingContext2D.prototype.putImageData;
CanvasRenderingContext2D.prototype.putImageData = function (...given) {
  put.apply(this, given);
  change();
};
const look = () => {
  drawing.quiet += 1;
  if (all.length !== drawing.count) {
    drawing.count = all.length;
    change();
  }
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
MIN_ELEMENTS = 50  # a page that has not started to draw does not change either


def drawn(running: Browser, address: str) -> tuple[float, int]:
    """When it was drawn (seconds since 1970), and its number of elements. Raises PeerMissing, TimeoutError."""
    page = running.new_page(viewport=SIZE)
    page.add_init_script(WATCH)
    serve_scripts(page)
    began = clock.monotonic()
    page.goto(address, wait_until="commit", timeout=LONGEST * 1000)
    while clock.monotonic() - began < LONGEST:
        found = page.evaluate("() => window.drawing")
        if found["quiet"] > QUIET_FRAMES and found["count"] > MIN_ELEMENTS:
            page.close()
            return found["changed"] / 1000, found["count"]
        page.wait_for_timeout(100)
    raise TimeoutError(f"not drawn after {LONGEST} s")


def picture(peer: str, view: str, tokens: int) -> str:
    """Time and size of one picture, measured once. Raises PeerMissing, WorkFailed, Error, TimeoutError."""
    path = CACHE / f"{view}.html"
    with worker(f"peer_{peer}", python=interpreter(peer)) as one, browser() as running:
        began = clock.time()
        one.ask(view=view, tokens=tokens, path=str(path))
        until, elements = drawn(running, path.as_uri())
    return f"{time(until - began)}, {megabytes(path.stat().st_size)} of HTML, {elements:,} elements"


def rows(quick: bool) -> Iterator[Row]:
    """One row for each picture."""
    for peer, view, tokens, shows in VIEWS[1:3] if quick else VIEWS:
        what = f"{peer} {view}, {shows}, {tokens} tokens"
        try:
            yield Row(what, picture(peer, view, tokens))
        except (PeerMissing, WorkFailed, Error, TimeoutError) as error:
            yield Row(what, f"not measured: {' '.join(str(error).split())[:200]}")
