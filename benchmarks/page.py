"""How soon a first visit has its grid and its heatmap, and what it fetches.

    python -m benchmarks.page
    python -m benchmarks.page --model gpt2-mini --visits 9

A real server and a real Chromium (HEADSCOPE_CHROMIUM, or what scripts/find-chromium finds), each visit with an empty
cache. Milliseconds from the start of the navigation, by the page's own clock; the minimum of several visits.
"""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
# Looked at before each frame: when did the first thumbnail, and when did the heatmap, come to be?
WATCH = """
const seen = (window.seen = {});
const look = () => {
  const thumbnail = document.querySelector('#grid canvas[aria-selected="true"]');
  if (thumbnail && thumbnail.width > 1) seen.grid ??= performance.now();
  if (document.querySelector("#heatmap .main-svg image")) seen.heatmap ??= performance.now();
  if (!seen.heatmap) requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
# The tool listens for errors with their places, for which V8 would read all of Plotly a second time: no reader does.
FLAGS = ["--no-sandbox", "--disable-gpu", "--js-flags=--no-enable-lazy-source-positions"]
Visit = tuple[dict[str, float], Counter[str]]


def chromium() -> str:
    found = subprocess.run([ROOT / "scripts" / "find-chromium"], capture_output=True, text=True, check=True)
    return os.environ.get("HEADSCOPE_CHROMIUM") or found.stdout.strip()


def part_of(url: str) -> str:
    path = urlsplit(url).path
    return "Plotly" if path.startswith("/vendor/") else "weights" if path.startswith("/api/") else "page"


def visit(browser: Browser, url: str) -> Visit:
    """Milliseconds to what is seen, and the bytes of each part as they travelled, headers and all."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
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


def served(model: str) -> tuple["subprocess.Popen[str]", str]:
    """A server with that model loaded, and its address."""
    headscope = Path(sys.executable).with_name("headscope")
    command = [headscope, "serve", "--no-open", "--port", "0", "--model", model]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().split()[3].rstrip(",")


def main(
    model: Annotated[str, typer.Option(help="the default model of the server")] = "minilm",
    visits: Annotated[int, typer.Option(help="how many")] = 7,
) -> None:
    """Print the table in Markdown."""
    process, url = served(model)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
            visit(browser, url)  # loads the model
            seen, weights = zip(*(visit(browser, url) for _ in range(visits)), strict=True)
            version = browser.version
            browser.close()
    finally:
        process.terminate()
        process.wait()
    print(f"Chromium {version}, {os.cpu_count()} cores, {model}, minimum of {visits} first visits\n")
    print("| what | |\n|---|---|")
    for what in ("grid", "heatmap"):
        print(f"| {what} on the screen | {min(one[what] for one in seen):.0f} ms |")
    for part in ("page", "weights", "Plotly"):
        print(f"| {part}, compressed, with headers | {weights[0][part] / 1000:.1f} kB |")


if __name__ == "__main__":
    typer.run(main)
