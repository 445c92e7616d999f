"""The page, and what it is made of: templates, static files, and Plotly from the installed package."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from ..probes import PROBES
from .deps import TheSettings

router = APIRouter(include_in_schema=False)

FOR_EVER = "public, max-age=31536000, immutable"


def shipped(name: str) -> Path:
    """A folder that a wheel carries inside the package and a checkout beside it."""
    package = Path(__file__).parents[1]
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


templates = Jinja2Templates(shipped("templates"))
static = StaticFiles(directory=shipped("static"))


@dataclass(frozen=True)
class Script:
    """A script of someone else's, from its installed package, under an address that changes with its content."""

    path: Path
    digest: str

    @property
    def url(self) -> str:
        return f"/vendor/{self.path.name.removesuffix('.min.js')}-{self.digest}.min.js"

    @cache  # noqa: B019 - one object for the life of the process
    def compressed(self) -> bytes:
        return gzip.compress(self.path.read_bytes(), 6)


@cache
def plotly() -> Script:
    spec = find_spec("plotly")  # finds, but does not run, the package
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "package_data" / "plotly.min.js"
    return Script(path, hashlib.sha256(path.read_bytes()).hexdigest()[:16])


@router.get("/", response_class=HTMLResponse)
def page(request: Request, settings: TheSettings) -> Response:
    """The page."""
    context = {
        "version": version("headscope"),
        "probes": PROBES,
        "plotly_url": plotly().url,
        "default_model": settings.model,
    }
    return templates.TemplateResponse(request, "page.html", context, headers={"Cache-Control": "no-cache"})


@router.get("/vendor/plotly-{digest}.min.js")
def plotly_script(digest: str, request: Request) -> Response:
    """plotly.js, compressed once, cached for ever."""
    script = plotly()
    if digest != script.digest:
        return Response(status_code=404)
    headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(script.compressed(), 200, headers, "text/javascript")
    return Response(script.path.read_bytes(), 200, headers, "text/javascript")
