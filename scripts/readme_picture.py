#!/usr/bin/env python3
"""Takes the picture of the README: `readme_picture.py URL FILE`, with a running server (make serve) at URL."""

import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import sync_playwright

VIEW = {
    "text": "The trophy does not fit into the suitcase because it is too big.",
    "model": "minilm",
    "layer": 0,
    "head": 2,
    "score": "previous",
}


def take(url: str, file: str) -> None:
    find_chromium = Path(__file__).resolve().parent / "find-chromium"
    chromium = subprocess.run([find_chromium], capture_output=True, text=True, check=True).stdout.strip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{url}/#{urlencode(VIEW)}")
        page.locator("#heatmap .plot .main-svg image").first.wait_for()
        page.locator(".grid .scored").first.wait_for()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=file)
        browser.close()


if __name__ == "__main__":
    take(*sys.argv[1:])
