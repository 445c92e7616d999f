"""The architecture of the page: which folder of static/js may import which, and rules for requests and user text."""

import re
from pathlib import Path

import pytest
from architecture_rules import cycle, page_imports, script_functions, table_of, without_comments

# Biome has the same limit in biome.json, but leaves some lines out of its count.
LONGEST_FUNCTION = 59

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "static" / "js"

# A folder is a layer, and so is a script directly under static/js; each may import itself and the layers named here.
LAYERS = {
    "types": "",
    "model": "types",  # pure: no document, no fetch
    "plot": "model types",
    "api": "model types",
    "state/panels": "api model types",
    "state": "state/panels api model types",
    "ui": "model types",
    "views/grid": "ui state plot model api types",
    "views/heatmap": "ui state plot model api types",
    "views/tokens": "ui state plot model types",
    "views/inspect": "ui state plot model api types",
    "views/models": "ui state api model types",
    "views/panels": "views/inspect views/grid ui state state/panels plot model api types",
    "main": "views/grid views/heatmap views/tokens views/inspect views/models views/panels ui state api model types",
    "set_theme": "",  # runs before anything is painted
    "swagger": "",  # the page /docs
}

FILES = {path.relative_to(SCRIPTS).as_posix(): path.read_text() for path in sorted(SCRIPTS.rglob("*.js"))}


def layer_of(path: str) -> str:
    """views/grid/painter.js -> views/grid; model/zoom.js -> model; main.js -> main."""
    folder = "/".join(path.split("/")[:-1]) or path.removesuffix(".js")
    assert folder in LAYERS, (
        f"static/js/{path} is in no layer of the page. Does its code belong into one of these: {', '.join(LAYERS)}? "
        "If not, add its layer to LAYERS (tests/test_house_page.py) and to docs/architecture.md."
    )
    return folder


def test_the_layers_have_no_cycle() -> None:
    assert cycle({layer: set(below.split()) for layer, below in LAYERS.items()}) == []


def test_the_documentation_has_this_table() -> None:
    rows = table_of((ROOT / "docs/architecture.md").read_text(), "The page")
    assert rows == {layer: set(below.split()) for layer, below in LAYERS.items()}


def test_the_top_of_the_scripts_holds_at_most_six_files() -> None:
    assert len([path for path in FILES if "/" not in path]) <= 6


@pytest.mark.parametrize("path", FILES)
def test_page_imports_follow_the_layers(path: str) -> None:
    layer = layer_of(path)
    allowed = {layer, *LAYERS[layer].split()}
    for target in page_imports(FILES[path], path):
        assert target in FILES, f"static/js/{path} imports {target}, which is not a file of the page"
        assert layer_of(target) in allowed, (
            f"static/js/{path} imports {target}: {layer} may import {', '.join(sorted(allowed))}"
        )


def test_no_two_scripts_import_each_other() -> None:
    assert cycle({path: set(page_imports(script, path)) for path, script in FILES.items()}) == []


@pytest.mark.parametrize("path", [path for path in FILES if path != "api/client.js"])
def test_only_api_sends_requests(path: str) -> None:
    found = re.findall(r"\b(fetch|XMLHttpRequest|EventSource|WebSocket|sendBeacon)\s*\(", without_comments(FILES[path]))
    assert not found, f"static/js/{path} calls {found[0]}: only api/client.js does"


@pytest.mark.fault(9)
@pytest.mark.parametrize("path", FILES)
def test_text_never_becomes_markup(path: str) -> None:
    pattern = r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|DOMParser|createContextualFragment)\b"
    found = re.findall(pattern, without_comments(FILES[path]))
    assert not found, f"static/js/{path} uses {found[0]}: text of users goes in as textContent"


@pytest.mark.parametrize("path", FILES)
def test_functions_of_scripts_are_short(path: str) -> None:
    long = [f"{each} ({lines} lines)" for each, lines in script_functions(FILES[path]) if lines > LONGEST_FUNCTION]
    assert not long, f"static/js/{path}: {', '.join(long)}; the limit is {LONGEST_FUNCTION}"


# Code that reads the page just once, or sleeps; and what to use instead.
READ_ONCE = {
    r"wait_for_timeout|sleep\(": "until(...)",
    r"assert .*page[.]url": "expect(page).to_have_url(...)",
    r"assert .*(inner_text|text_content|all_text_contents)\(\) ==": "expect(...).to_have_text(...)",
    r"assert .*[.]count\(\) ==": "expect(...).to_have_count(...)",
    r"assert .*(input_value|get_attribute)\([^)]*\) ==": "expect(...).to_have_value(...) or to_have_attribute(...)",
    r"assert .*is_(visible|hidden|enabled|disabled|checked)\(\)": "expect(...).to_be_visible() and the like",
}
BROWSER_TESTS = sorted((ROOT / "tests" / "browser").glob("test_*.py"))


@pytest.mark.parametrize("path", BROWSER_TESTS, ids=lambda path: path.name)
def test_browser_tests_wait_for_the_state_that_they_check(path: Path) -> None:
    lines = [line.strip() for line in path.read_text().splitlines()]
    found = [(line, instead) for line in lines for pattern, instead in READ_ONCE.items() if re.search(pattern, line)]
    assert not found, f"{path.name}: {found[0][0]}: on a busy machine, the page may not be ready; use {found[0][1]}"


def test_every_kind_of_function_is_counted() -> None:
    script = """export function plain() {
  const arrow = () => {
    if (ready) {
      return 1;
    }
  };
  on(box, "input", async (event) => {
    use(event);
  });
  return { method() {
    return arrow;
  } };
}
const short = (value) => value + 1;
"""
    counted = [("export function plain() {", 13), ("const arrow = () => {", 5)]
    counted += [('on(box, "input", async (event) => {', 3), ("return { method() {", 3)]
    assert list(script_functions(script)) == counted


def test_every_kind_of_import_is_resolved() -> None:
    script = """
    /** @import {Store} from "../types.js" */
    import { need } from "../dom.js"; // from "./nowhere.js"
    import "./grid.js";
    const later = () => import("../api.js");
    """
    assert list(page_imports(script, "views/heatmap.js")) == ["dom.js", "views/grid.js", "api.js"]
