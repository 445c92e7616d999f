"""The architecture of the server: which layer may import which, and how long files and functions may be.

If a test fails, first ask whether the code is in the wrong folder. If the architecture should change, change the tables
below and those in docs/architecture.md in the same commit.
"""

from pathlib import Path

import pytest
from architecture_rules import (
    cycle,
    family_comparisons,
    functions,
    has_absolute_import_of_app,
    is_ours,
    is_standard,
    layer_of,
    module_of,
    python_imports,
    requested_endpoints,
    table_of,
)

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "app"

# A folder or file directly under app/ is a layer; a layer may import itself and the layers named here.
# analysis/formulas, web/routes and web/middleware have stricter rules than the folder they are in.
LAYERS = {
    "errors": "",
    "records": "errors",
    "settings": "errors",
    "strict_json": "",
    "attention": "errors",
    "models": "attention strict_json records errors",
    "capture": "models attention records errors",
    "analysis/formulas": "records",
    "analysis": "analysis/formulas capture models attention records errors",
    "engine": "analysis capture models settings records errors",
    "library": "engine analysis analysis/formulas capture models settings records errors",
    "export": "engine capture records errors",
    "web": "export engine capture settings strict_json records errors",
    "web/routes": "web export engine analysis analysis/formulas capture settings records errors",
    "web/middleware": "web settings errors",
    "main": "web web/routes web/middleware export engine settings errors",
    "cli": "main library web export engine analysis analysis/formulas capture models settings records errors",
}

# What a layer may import from outside the standard library. Layers that are not listed may import anything.
OUTSIDE = {
    "errors": "",
    "records": "",
    "strict_json": "",
    "attention": "torch numpy",
    "analysis/formulas": "torch numpy scipy regex icu4py",
    "capture": "torch numpy transformers",
    "analysis": "torch numpy",
}

# Scripts that trained the bundled model. They are run by hand; no module imports them.
TOOLS = {"app/models/bundled/train_gpt2_mini.py", "app/models/bundled/measure_gpt2_mini.py"}

LONGEST_FILE = 300  # aim for 250
LONGEST_FUNCTION = 40  # aim for 25


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def files(pattern: str, *folders: str) -> list[Path]:
    found = (path for folder in folders for path in sorted((ROOT / folder).rglob(pattern)))
    return [path for path in found if not {"__pycache__", "node_modules"} & set(path.parts)]


MODULES = [path for path in files("*.py", "app") if name(path) not in TOOLS and path != APP / "__init__.py"]


def every(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=name)


@every(MODULES)
def test_imports_follow_the_layers(path: Path) -> None:
    module = module_of(path, ROOT)
    layer = layer_of(module, LAYERS)
    assert layer in LAYERS, (
        f"{name(path)} is in no layer. Does its code belong into one of these: {', '.join(LAYERS)}? "
        "If it is a new layer, add it to LAYERS (tests/test_house.py) and to docs/architecture.md."
    )
    allowed = {layer, *LAYERS[layer].split()}
    ours = {layer_of(target, LAYERS) for target in python_imports(path.read_text(), module) if is_ours(target)}
    assert ours <= allowed, (
        f"{name(path)} imports {', '.join(sorted(ours - allowed))}: {layer} may import {', '.join(sorted(allowed))}. "
        "First ask whether the code is in the wrong folder."
    )


def test_the_layers_have_no_cycle() -> None:
    assert cycle({layer: set(below.split()) for layer, below in LAYERS.items()}) == []


def test_the_documentation_has_this_table() -> None:
    rows = table_of((ROOT / "docs/architecture.md").read_text(), "The server")
    assert rows == {layer: set(below.split()) for layer, below in LAYERS.items()}


def test_the_top_folder_has_six_modules() -> None:
    files = {path.name for path in APP.glob("*.py")} - {"__init__.py"}
    assert files == {"main.py", "settings.py", "errors.py", "records.py", "strict_json.py", "library.py"}


@every([path for path in MODULES if layer_of(module_of(path, ROOT), LAYERS) in OUTSIDE])
def test_inner_layers_import_few_packages(path: Path) -> None:
    module = module_of(path, ROOT)
    allowed = set(OUTSIDE[layer_of(module, LAYERS)].split())
    theirs = {
        target.split(".")[0]
        for target in python_imports(path.read_text(), module)
        if not is_ours(target) and not is_standard(target)
    }
    assert theirs <= allowed, f"{name(path)} imports {theirs - allowed}: its layer may import {allowed or 'nothing'}"


@every(MODULES)
def test_imports_inside_app_are_relative(path: Path) -> None:
    assert not has_absolute_import_of_app(path.read_text()), f"{name(path)}: write `from .x import y`, not `from app.x`"


def test_no_two_modules_import_each_other() -> None:
    known = {module_of(path, ROOT) for path in MODULES}
    graph = {
        module: {known_part(target, known) for target in python_imports(path.read_text(), module)} - {""}
        for path in MODULES
        for module in [module_of(path, ROOT)]
    }
    assert cycle(graph) == []


def known_part(dotted: str, known: set[str]) -> str:
    """app.errors.AppError -> app.errors: the module that defines an imported name, or an empty string."""
    return next((part for part in (dotted, dotted.rpartition(".")[0]) if part in known), "")


@every([path for path in files("__init__.py", "app", "tests") if path != APP / "__init__.py"])
def test_init_files_are_empty(path: Path) -> None:
    assert path.read_text() == "", f"{name(path)}: import from the file that defines a name; nothing is re-exported"


@every([path for path in MODULES if layer_of(module_of(path, ROOT), LAYERS) != "models"])
def test_only_models_compare_families(path: Path) -> None:
    lines = family_comparisons(path.read_text())
    assert not lines, (
        f"{name(path)}, line {lines}: code that depends on the family belongs into the file of the family in app/models"
    )


CODE = [
    path
    for kind in ("*.py", "*.js", "*.css", "*.html")
    for path in files(kind, "app", "static", "templates", "tests", "benchmarks")
]


@every(CODE)
def test_files_are_short(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= LONGEST_FILE, (
        f"{name(path)} has {lines} lines, the limit is {LONGEST_FILE}: divide it into two files"
    )


@every(files("*.py", "app", "tests", "benchmarks"))
def test_functions_are_short(path: Path) -> None:
    long = {f"{each} ({lines} lines)" for each, lines in functions(path.read_text()) if lines > LONGEST_FUNCTION}
    assert not long, f"{name(path)}: {', '.join(sorted(long))}; the limit is {LONGEST_FUNCTION}"


VIEWS = sorted(path.stem.removeprefix("_") for path in (ROOT / "templates/views").glob("*.html"))
DESCRIPTORS = {path.stem for path in (ROOT / "static/js/state/panels").glob("*.js")}
PANELS = sorted(DESCRIPTORS - {"descriptor", "index", "analyses"})


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_its_script_route_and_tests(view: str) -> None:
    assert (ROOT / "static/js/views" / view / f"{view}.js").is_file()
    places = (APP / "web/routes" / f"{view}.py", ROOT / f"tests/web/routes/test_{view}.py")
    missing = [name(place) for place in places if not place.is_file()]
    assert not missing, f"the view {view} has no {', '.join(missing)}"


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_has_its_script(panel: str) -> None:
    assert (ROOT / "static/js/views/panels" / f"{panel}.js").is_file()


def test_panels_request_endpoints_that_have_tests() -> None:
    endpoints = requested_endpoints((ROOT / "static/js/state/panels/analyses.js").read_text())
    assert {"scores", "similarity"} <= set(endpoints)
    for endpoint in endpoints:
        routes = [
            path for path in files("*.py", "app/web/routes") if f'"/{{capture_id}}/{endpoint}"' in path.read_text()
        ]
        assert routes, f"a panel requests {endpoint}: no route in app/web/routes answers it"
        test = ROOT / f"tests/web/routes/test_{routes[0].stem}.py"
        assert test.is_file(), f"the route {name(routes[0])} has no {name(test)}"


def test_the_endpoints_that_analyses_request_are_found() -> None:
    script = 'api.analyse(capture, "scores?roles=true", f);\napi.analyseMatrix(capture, `flow?${query}`, f);'
    assert requested_endpoints(script) == ["scores", "flow"]


def test_imports_inside_functions_are_read() -> None:
    source = "def load():\n    from ..errors import AppError\n    from . import gpt2\n    import torch.nn\n"
    assert list(python_imports(source, "app.models.loading")) == ["app.errors.AppError", "app.models.gpt2", "torch.nn"]


def test_a_comparison_of_families_is_found_in_every_form() -> None:
    source = 'a = card.family == "gpt2"\nb = "bert" != family\nc = config.model_type in NAMES\nd = card.title == 1\n'
    assert family_comparisons(source) == [1, 2, 3]


def test_a_cycle_begins_and_ends_with_the_same_name() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_a_module_belongs_to_its_innermost_layer() -> None:
    layers = ("web", "web/routes")
    assert [layer_of(f"headscope.web{rest}", layers) for rest in (".headers", ".routes.grid")] == ["web", "web/routes"]


def test_a_table_is_read_below_its_heading() -> None:
    text = "## One\n| a | b |\n|---|---|\n| `x` | `y`, `z` |\n\n## Two\n| c | for | d |\n|---|---|---|\n| `v/` | | |\n"
    assert table_of(text, "One") == {"x": {"y", "z"}}
    assert table_of(text, "Two") == {"v": set()}
