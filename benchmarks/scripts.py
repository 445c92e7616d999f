"""What BertViz's pages load from elsewhere, served from npm packages instead."""

import os
import subprocess
import sys
import tarfile
from functools import partial
from pathlib import Path

from playwright.sync_api import Page, Route

from .peers import PeerMissing
from .places import CACHE

# A pattern of addresses -> package, file in it. Of jQuery 2.0 npm has only 2.1 and later.
SCRIPTS = {
    "**/require.js/**": ("requirejs@2.3.6", "require.js"),
    "**/d3/**": ("d3@5.7.0", "dist/d3.min.js"),
    "**/jquery/**": ("jquery@2.1.0", "dist/jquery.min.js"),
}


def script(package: str, name: str) -> Path:
    """That file of the package, which is fetched once. Raises PeerMissing."""
    folder = CACHE / "npm" / package
    if not (folder / "package" / name).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        beside = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        npm = ["npm", "pack", package, "--pack-destination", str(folder)]
        done = subprocess.run(npm, capture_output=True, text=True, env=beside, check=False)
        if done.returncode:
            raise PeerMissing(f"npm has no {package} for us: {done.stderr.strip()[-200:]}")
        with tarfile.open(next(folder.glob("*.tgz"))) as packed:
            packed.extractall(folder, filter="data")
    return folder / "package" / name


def serve_scripts(page: Page) -> None:
    """Raises PeerMissing."""
    for pattern, (package, name) in SCRIPTS.items():
        page.route(pattern, partial(serve, script(package, name)))


def serve(path: Path, route: Route) -> None:
    route.fulfill(path=path, content_type="text/javascript")
