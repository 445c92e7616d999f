"""The HTML pages, the static files, and scripts from installed packages."""

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from importlib.util import find_spec
from mimetypes import guess_type
from pathlib import Path
from threading import Condition
from typing import Any

from cachetools import LRUCache, cached
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.staticfiles import NotModifiedResponse
from starlette.types import Receive, Scope, Send

from ...analysis.table import ROW_SCORES
from .. import documents
from ..assets import Asset, asset
from ..deps import SettingsDep
from ..examples import EXAMPLES

router = APIRouter(include_in_schema=False)

IMMUTABLE = "public, max-age=31536000, immutable"


def shipped(name: str) -> Path:
    """A folder that is inside the package in a wheel, and beside it in a checkout."""
    package = Path(__file__).resolve().parents[2]
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


class MadeInThread(Response):
    """A response whose first form is slow to make."""

    def __init__(self, make: Callable[[], Response]) -> None:
        self.make = make

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await run_in_threadpool(self.make)
        await response(scope, receive, send)


class Revalidated(StaticFiles):
    """Static files that a browser caches and revalidates, so that no page mixes old and new files after an upgrade.

    They are small, so Range headers are ignored.
    """

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        path, modified, request_headers = Path(full_path), stat_result.st_mtime_ns, Headers(scope=scope)
        return MadeInThread(lambda: self.compressed(path, modified, request_headers, status_code))

    def compressed(self, path: Path, modified: int, request_headers: Headers, status_code: int) -> Response:
        file = asset(path, modified)
        body, headers = file.encoded(request_headers.get("accept-encoding", ""))
        headers |= {"Cache-Control": "no-cache", "ETag": file.etag}
        response = Response(body, status_code, headers, guess_type(path)[0])
        unchanged = self.is_not_modified(response.headers, request_headers)
        return NotModifiedResponse(response.headers) if unchanged else response


templates = Jinja2Templates(shipped("templates"))
static = Revalidated(directory=shipped("static"))
IMPORT = re.compile(r"""^(?:import|export)\b[^;]*?["'](\.[^"']+)["'];""", re.MULTILINE)


def imports_of(script: Path, known: frozenset[Path] = frozenset()) -> frozenset[Path]:
    """A script and all its static imports, without those of import()."""
    if script in known:
        return known
    known |= {script}
    for path in IMPORT.findall(script.read_text()):
        known = imports_of((script.parent / path).resolve(), known)
    return known


# The page preloads them, so that the browser fetches them in parallel.
MODULES = tuple(
    path.relative_to(shipped("static").resolve()).as_posix()
    for path in sorted(imports_of((shipped("static") / "js" / "main.js").resolve()))
)


@dataclass(frozen=True)
class Vendored:
    """A file of an installed package; its address changes with its content."""

    path: Path
    media_type: str

    @cached_property
    def url(self) -> str:
        digest = hashlib.sha256(self.path.read_bytes()).hexdigest()[:16]
        return f"/vendor/{digest}/{self.path.name}"

    @cached_property
    def asset(self) -> Asset:
        return Asset(self.path.read_bytes())


def vendored(package: str, path: str, media_type: str) -> Vendored:
    spec = find_spec(package)  # does not import the package
    assert spec is not None
    assert spec.origin is not None
    return Vendored(Path(spec.origin).parent / path, media_type)


@cache
def vendor() -> dict[str, Vendored]:
    """Plotly for the heatmap, Swagger UI for /docs."""
    return {
        "plotly": vendored("plotly", "package_data/plotly.min.js", "text/javascript"),
        "swagger_js": vendored("fastapi_offline", "static/swagger-ui-bundle.js", "text/javascript"),
        "swagger_css": vendored("fastapi_offline", "static/swagger-ui.css", "text/css"),
    }


@cached(LRUCache(8), condition=Condition())
def page_asset(body: bytes) -> Asset:
    """A rendered page, compressed once while its content stays the same."""
    return Asset(body)


def rendered(request: Request, template: str, context: dict[str, Any]) -> Response:
    """The page, or 304 if the browser has this very content."""
    file = page_asset(templates.get_template(template).render(context).encode())
    headers = {"Cache-Control": "no-cache", "ETag": file.etag}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body, encoding = file.encoded(request.headers.get("accept-encoding", ""))
    return HTMLResponse(body, headers=headers | encoding)


@router.get("/", response_class=HTMLResponse)
def page(request: Request, settings: SettingsDep) -> Response:
    """The page."""
    context = {
        "version": version("headscope"),
        "examples": EXAMPLES,
        "scores": ROW_SCORES,
        "plotly_url": vendor()["plotly"].url,
        "default_model": settings.model,
        "modules": MODULES,
    }
    return rendered(request, "page.html", context)


@router.get("/docs", response_class=HTMLResponse)
def docs(request: Request) -> Response:
    """The interactive documentation of the API."""
    context = {"swagger_js": vendor()["swagger_js"].url, "swagger_css": vendor()["swagger_css"].url}
    return rendered(request, "docs.html", context)


@router.get("/docs/{name}", response_class=HTMLResponse)
def document(name: str, request: Request) -> Response:
    """The glossary, and the scores and roles of heads."""
    if name not in documents.NAMES:
        raise HTTPException(404)
    context = {"name": name, "content": documents.html_of(shipped("docs") / f"{name}.md")}
    return rendered(request, "document.html", context)


@router.get("/vendor/{digest}/{name}")
def vendor_file(digest: str, name: str, request: Request) -> Response:
    """A file of an installed package; browsers never ask for it again."""
    file = next((file for file in vendor().values() if file.url == f"/vendor/{digest}/{name}"), None)
    if file is None:
        raise HTTPException(404)
    body, headers = file.asset.encoded(request.headers.get("accept-encoding", ""))
    return Response(body, 200, {**headers, "Cache-Control": IMMUTABLE}, file.media_type)
