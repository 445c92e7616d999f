"""How soon a first visit has its grid and its heatmap, and what it fetches.

A real server and a real Chromium, each visit with an empty cache; by the page's own clock, from the start of the
navigation.
"""

from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from playwright.sync_api import Browser

from .browser import SIZE, browser
from .figures import Row, milliseconds
from .served import served

# Looked at before each frame: when did the first thumbnail, Plotly and the heatmap come to be?
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
    """Milliseconds to what is seen, and the bytes of each part as they travelled, headers and all."""
    context = running.new_context(viewport=SIZE)
    page = context.new_page()
    page.add_init_script(WATCH)
    bytes_of, urls = Counter[str](), dict[str, str]()
    network = context.new_cdp_session(page)
    network.on("Network.responseReceived", lambda told: urls.update({told["requestId"]: told["response"]["url"]}))
    network.on(
        "Network.loadingFinished",
        lambda told: bytes_of.update({part_of(urls.get(told["requestId"], "")): int(told["encodedDataLength"])}),
    )
    network.send("Network.enable")
    page.goto(url)
    seen: dict[str, float] = {}
    while "heatmap" not in seen:  # waiting in the page itself would need eval, which its policy forbids
        page.wait_for_timeout(50)
        seen = page.evaluate("() => window.seen")
    context.close()
    return seen, bytes_of


def rows(quick: bool) -> Iterator[Row]:
    """First visits of the page with the default model."""
    with served("minilm") as url, browser() as running:
        visit(running, url)  # some of what the server makes, it keeps
        visits = [visit(running, url) for _ in range(3 if quick else 9)]
    least = {what: min(seen[what] for seen, _ in visits) / 1000 for what in ("grid", "plotly", "heatmap")}
    beside = f"Plotly parsed after {milliseconds(least['plotly'])}, heatmap after {milliseconds(least['heatmap'])}"
    first = all(seen["grid"] < seen["plotly"] for seen, _ in visits)
    measured = f"{milliseconds(least['grid'])}, {'before' if first else 'NOT always before'} Plotly"
    yield Row("first visit: grid on the screen", measured, "before Plotly is parsed", beside, first)
    sent = {part: count / 1000 for part, count in visits[0][1].items()}
    ours = sent["page"] + sent["answers"]
    beside = f"page {sent['page']:.1f} kB, answers {sent['answers']:.1f} kB, Plotly {sent['Plotly']:,.0f} kB"
    yield Row("first visit: all that is not Plotly, compressed", f"{ours:.1f} kB", "<= 120 kB", beside, ours <= 120)
