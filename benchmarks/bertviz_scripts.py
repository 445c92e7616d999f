"""Scripts that the pages of BertViz load from other sites, served from npm packages instead."""

import os
import subprocess
import sys
import tarfile
from functools import partial
from pathlib import Path

from playwright.sync_api import Page, Route

from .paths import CACHE
from .peers import PeerMissing

# A pattern of addresses -> package, and file in it. npm has no jQuery 2.0, so 2.1 is used.
SCRIPTS = {
    "**/require.js/**": ("requirejs@2.3.6", "require.js"),
    "**/d3/**": ("d3@5.7.0", "dist/d3.min.js"),
    "**/jquery/**": ("jquery@2.1.0", "dist/jquery.min.js"),
}


def script(package: str, name: str) -> Path:
    """A file of a package, downloaded once. Raises PeerMissing."""
    folder = CACHE / "npm" / package
    if not (folder / "package" / name).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        npm = ["npm", "pack", package, "--pack-destination", str(folder)]
        done = subprocess.run(npm, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            raise PeerMissing(f"npm did not download {package}: {done.stderr.strip()[-200:]}")
        with tarfile.open(next(folder.glob("*.tgz"))) as packed:
            packed.extractall(folder, filter="data")
    return folder / "package" / name


def serve_scripts(page: Page) -> None:
    """Raises PeerMissing."""
    for pattern, (package, name) in SCRIPTS.items():
        page.route(pattern, partial(serve, script(package, name)))


def serve(path: Path, route: Route) -> None:
    route.fulfill(path=path, content_type="text/javascript")
