"""The map of the page: who may import whom in static/js, who may talk to the server, how text gets into the page."""

import re
from pathlib import Path

import pytest
from house import cycle, page_imports, without_comments

SCRIPTS = Path(__file__).resolve().parent.parent / "static" / "js"

# types <- api; store <- url; (store, api, format) <- views <- main.
# A row is a layer: its files, and the layers that they may import. `views` is the folder; its files never meet.
LAYERS = {
    "words": ("types", ""),
    "pure": (
        (
            "colour detail figure fitting folds format gaze listing matrix moves npy opening plotarea ranking sight"
            " ticks zoom"
        ),
        "words pure",
    ),  # no document, no fetch: tested in Node.js
    "wire": ("api apierror catalogueapi events streams", "words pure wire"),
    "state": ("store url", "words pure state"),
    "document": ("dom tip", "words pure document"),
    # What a view, or the page beside the views, is put together from.
    "parts": (
        (
            "charts choosing chunks controls download elapsed facts find help hints key lines"
            " looks marks minimap other painter pair pointing standing strip table theme thumbnail tint tools"
        ),
        "words pure wire state document parts",
    ),
    "session": (
        "looking session status",
        "words pure wire state session",
    ),  # from a gesture to the server and back into the store
    "views": ("views", "words pure wire state document parts"),
    "main": ("catalogue main", "words pure wire state document parts session views main"),
    "alone": ("early docs", ""),  # before anything is painted; a page of its own
}
LAYER_OF = {stem: layer for layer, (stems, _) in LAYERS.items() for stem in stems.split()}

FILES = {path.relative_to(SCRIPTS).as_posix(): path.read_text() for path in sorted(SCRIPTS.rglob("*.js"))}


def layer_of(path: str) -> str:
    stem = path.split("/")[0].removesuffix(".js")
    assert stem in LAYER_OF, (
        f"static/js/{path} is in no layer of the page. Does its code belong into one of these: {', '.join(LAYER_OF)}? "
        "If not, give it a place in LAYERS (tests/test_house_page.py)."
    )
    return LAYER_OF[stem]


@pytest.mark.parametrize("path", FILES)
def test_page_imports_follow_the_map(path: str) -> None:
    layer = layer_of(path)
    allowed = LAYERS[layer][1].split()
    for target in page_imports(FILES[path], path):
        assert target in FILES, f"static/js/{path} imports {target}, which is not a file of the page"
        assert layer_of(target) in allowed, (
            f"static/js/{path} imports {target}: {layer} may import {allowed or 'nobody'}"
        )


def test_no_two_scripts_import_each_other() -> None:
    assert cycle({path: set(page_imports(script, path)) for path, script in FILES.items()}) == []


@pytest.mark.parametrize("path", [path for path in FILES if path != "api.js"])
def test_only_api_talks_to_the_server(path: str) -> None:
    found = re.findall(r"\b(fetch|XMLHttpRequest|EventSource|WebSocket|sendBeacon)\s*\(", without_comments(FILES[path]))
    assert not found, f"static/js/{path} calls {found[0]}: only api.js does"


@pytest.mark.parametrize("path", FILES)
def test_text_never_becomes_markup(path: str) -> None:
    pattern = r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|DOMParser|createContextualFragment)\b"
    found = re.findall(pattern, without_comments(FILES[path]))
    assert not found, f"static/js/{path} uses {found[0]}: text of users goes in as textContent"


def test_the_reader_resolves_every_kind_of_import() -> None:
    script = """
    /** @import {Store} from "../types.js" */
    import { need } from "../dom.js"; // from "./nowhere.js"
    import "./grid.js";
    const later = () => import("../api.js");
    """
    assert list(page_imports(script, "views/heatmap.js")) == ["dom.js", "views/grid.js", "api.js"]
