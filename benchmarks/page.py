"""Time until a first visit shows its grid and its heatmap, and the bytes that it transfers.

Each visit has an empty cache. Times are measured by the clock of the page, from the start of the navigation.
"""

from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from playwright.sync_api import Browser

from .browser import SIZE, browser
from .measurements import Row, milliseconds
from .server import running_server

# Checked before each frame: when do the first thumbnail, Plotly and the heatmap exist?
WATCH = """
const seen = (window.seen = {});
const look = () => {
  const thumbnail = document.querySelector("#grid .heads canvas");
  if (thumbnail && thumbnail.width > 1) seen.grid ??= performance.now();
  if (window.Plotly) seen.plotly ??= performance.now();
  if (document.querySelector("#heatmap .main-svg image")) seen.heatmap ??= performance.now();
  if (!seen.heatmap) requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
Visit = tuple[dict[str, float], Counter[str]]


def part_of(url: str) -> str:
    path = urlsplit(url).path
    return "Plotly" if path.startswith("/vendor/") else "answers" if path.startswith("/api/") else "page"


def visit(running: Browser, url: str) -> Visit:
    """Milliseconds until each part is visible, and the bytes transferred for it, with headers."""
    context = running.new_context(viewport=SIZE)
    page = context.new_page()
    page.add_init_script(WATCH)
    bytes_of, urls, failed = Counter[str](), dict[str, str](), list[str]()
    network = context.new_cdp_session(page)
    network.on("Network.responseReceived", lambda event: urls.update({event["requestId"]: event["response"]["url"]}))
    network.on(
        "Network.loadingFinished",
        lambda event: bytes_of.update({part_of(urls.get(event["requestId"], "")): int(event["encodedDataLength"])}),
    )
    network.on("Network.loadingFailed", lambda event: failed.append(urls.get(event["requestId"], "")))
    network.send("Network.enable")
    page.goto(url)
    seen: dict[str, float] = {}
    while "heatmap" not in seen:  # waiting inside the page needs eval, which its security policy forbids
        page.wait_for_timeout(50)
        seen = page.evaluate("() => window.seen")
    assert not failed, f"not counted, because they were aborted: {failed}"
    context.close()
    return seen, bytes_of


def rows(quick: bool) -> Iterator[Row]:
    """First visits of the page with the default model."""
    with running_server("minilm") as url, browser() as running:
        visit(running, url)  # fills the caches of the server
        visits = [visit(running, url) for _ in range(3 if quick else 9)]
    least = {what: min(seen[what] for seen, _ in visits) / 1000 for what in ("grid", "plotly", "heatmap")}
    comparison = f"Plotly parsed after {milliseconds(least['plotly'])}, heatmap after {milliseconds(least['heatmap'])}"
    first = all(seen["grid"] < seen["plotly"] for seen, _ in visits)
    measured = f"{milliseconds(least['grid'])}, {'before' if first else 'NOT always before'} Plotly"
    yield Row("first visit: grid on the screen", measured, "before Plotly is parsed", comparison, first)
    sent = {part: count / 1000 for part, count in visits[0][1].items()}
    ours = sent["page"] + sent["answers"]
    comparison = f"page {sent['page']:.1f} kB, answers {sent['answers']:.1f} kB, Plotly {sent['Plotly']:,.0f} kB"
    yield Row("first visit: bytes without Plotly, compressed", f"{ours:.1f} kB", "<= 120 kB", comparison, ours <= 120)
