"""The map of the house: who may import whom, how long a thing may be, where a view lives.

When a test here stops you, ask first whether the code stands in the wrong room. If the plan itself should change,
change it on purpose: the table below and the drawing in CONTRIBUTING.md, in the same commit.
"""

from pathlib import Path

import pytest
from house import (
    asks_for_family,
    cycle,
    functions,
    has_absolute_import_of_app,
    is_ours,
    is_standard,
    module_of,
    python_imports,
    room_of,
)

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "app"

# text -> tokens -> capture -> tiles | analyses -> encoding -> routes -> page. Imports follow that road, never back.
# A room (a file or a folder under app/) may import what stands behind it, itself, and always errors.
NOBODY = None
ROOMS = {
    "errors": NOBODY,
    "records": "",
    "settings": "",
    "headers": "",  # what every answer tells the browser
    "wording": "",  # what is wrong with an input, for who sent it
    "problems": "headers wording",  # an error as the wire sees it
    "probes": "records",
    "attention": "",
    "models": "attention records",
    "cost": "records",  # what a text costs, before it is run
    "arena": "",  # memory for what a capture keeps
    "capture": "arena attention cost models records",
    "tiles": "attention capture records",
    "analysis": "records",  # pure functions of a block of rows: never models, never routes
    "studies": "analysis attention capture models records tiles",  # one question to a capture each, a block at a time
    "certificate": "attention models capture records",  # our numbers beside Hugging Face's
    "pieces": "records",  # arrays and facts as bytes, piece by piece
    "encoding": "pieces records",
    "shelf": "models records settings",  # which models are loaded
    "making": "capture cost records",  # a capture while it is made
    "threads": "",  # so many at once, so many in line
    "kept": "capture making studies",  # captures within a number of bytes, for a time
    "runner": "cost kept making shelf threads models capture certificate studies records settings",
    "metrics": "making runner",  # what Prometheus reads
    "dump": "runner capture tiles encoding pieces records",  # one request, one dump: for the wire and for the command
    "assets": "",  # what the page is made of, as it is sent
    "routes": "assets runner threads cost making shelf dump problems capture certificate tiles analysis studies"
    " encoding pieces probes records settings",
    "guards": "headers problems settings",  # between the socket and the routes
    "sockets": "",  # a connection whose client may not keep it waiting
    "server": "sockets settings",  # around the application: how it listens and how it ends
    "main": "guards routes metrics runner encoding problems records settings",
    "cli": "main server dump runner shelf capture analysis studies tiles pieces models records settings wording",
}

# What a room may import from outside the standard library. Rooms that are not named here are free.
OUTSIDE = {
    "errors": "",
    "records": "",
    "probes": "",
    "cost": "",
    "attention": "torch numpy",
    "analysis": "torch numpy scipy",
    "arena": "torch",
    "capture": "torch numpy transformers",
    "tiles": "torch numpy",
    "studies": "torch numpy",
}

# Run by hand to make what we ship; nothing of the app, and not of the app.
TOOLS = {"app/models/bundled/train_gpt2_mini.py", "app/models/bundled/measure_gpt2_mini.py"}

LONGEST_FILE = 300  # 250 is the aim
LONGEST_FUNCTION = 40  # 25 is the aim

# A route that belongs to no view.
ROUTES_WITHOUT_VIEW = {
    "__init__",
    "attention",
    "captures",
    "deps",
    "dump",
    "health",
    "metrics",
    "models",
    "pages",
    "probe",
    "roles",
    "stream",
    "strict",
    "study",
    "told",
}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def files(pattern: str, *folders: str) -> list[Path]:
    found = (path for folder in folders for path in sorted((ROOT / folder).rglob(pattern)))
    return [path for path in found if not {"__pycache__", "node_modules"} & set(path.parts)]


MODULES = [path for path in files("*.py", "app") if name(path) not in TOOLS and path != APP / "__init__.py"]


def every(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=name)


@every(MODULES)
def test_imports_follow_the_road(path: Path) -> None:
    module = module_of(path, ROOT)
    room = room_of(module)
    assert room in ROOMS, (
        f"{name(path)} stands in no room of the house. Does its code belong into one of these: {', '.join(ROOMS)}? "
        "If it is a new room, say in ROOMS (tests/test_house.py) and in CONTRIBUTING.md what it may import."
    )
    behind = ROOMS[room]
    allowed = {room} if behind is NOBODY else {room, "errors", *behind.split()}
    ours = {room_of(target) for target in python_imports(path.read_text(), module) if is_ours(target)}
    assert ours <= allowed, (
        f"{name(path)} imports {', '.join(sorted(ours - allowed))}: {room} may import {', '.join(sorted(allowed))}. "
        "Ask first whether the code stands in the wrong room."
    )


@every([path for path in MODULES if room_of(module_of(path, ROOT)) in OUTSIDE])
def test_inner_rooms_import_little_from_outside(path: Path) -> None:
    module = module_of(path, ROOT)
    allowed = set(OUTSIDE[room_of(module)].split())
    theirs = {
        target.split(".")[0]
        for target in python_imports(path.read_text(), module)
        if not is_ours(target) and not is_standard(target)
    }
    assert theirs <= allowed, f"{name(path)} imports {theirs - allowed}: its room may import {allowed or 'nothing'}"


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
    """app.errors.AppError -> app.errors: the module that an imported name lives in, or nothing."""
    return next((part for part in (dotted, dotted.rpartition(".")[0]) if part in known), "")


@every(files("__init__.py", "app", "tests"))
def test_init_files_are_empty(path: Path) -> None:
    assert path.read_text() == "", f"{name(path)}: import from the file that has the thing, nothing is re-exported"


@every([path for path in MODULES if room_of(module_of(path, ROOT)) != "models"])
def test_only_models_know_families(path: Path) -> None:
    lines = asks_for_family(path.read_text())
    assert not lines, (
        f"{name(path)}, line {lines}: what differs by family belongs into that family's file in app/models"
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
        f"{name(path)} has {lines} lines, the limit is {LONGEST_FILE}: which two ideas are in it?"
    )


@every(files("*.py", "app", "tests", "benchmarks"))
def test_functions_are_short(path: Path) -> None:
    long = {f"{each} ({lines} lines)" for each, lines in functions(path.read_text()) if lines > LONGEST_FUNCTION}
    assert not long, f"{name(path)}: {', '.join(sorted(long))}; the limit is {LONGEST_FUNCTION}"


def views() -> set[str]:
    return (
        {path.stem for path in (ROOT / "static/js/views").glob("*.js")}
        | {path.stem.removeprefix("_") for path in (ROOT / "templates/views").glob("*.html")}
        | {path.stem for path in (APP / "routes").glob("*.py")} - ROUTES_WITHOUT_VIEW
        | {path.stem.removeprefix("test_") for path in (ROOT / "tests/views").glob("test_*.py")}
    )


@pytest.mark.parametrize("view", sorted(views()))
def test_a_view_is_one_stem_in_four_places(view: str) -> None:
    places = (
        f"static/js/views/{view}.js",
        f"templates/views/_{view}.html",
        f"app/routes/{view}.py",
        f"tests/views/test_{view}.py",
    )
    missing = [place for place in places if not (ROOT / place).is_file()]
    assert not missing, (
        f"the view {view} lacks {', '.join(missing)}; a route without a view is named in ROUTES_WITHOUT_VIEW"
    )


def test_the_reader_sees_imports_inside_functions() -> None:
    source = "def load():\n    from ..errors import AppError\n    from . import gpt2\n    import torch.nn\n"
    assert list(python_imports(source, "app.models.loading")) == ["app.errors.AppError", "app.models.gpt2", "torch.nn"]


def test_the_reader_finds_a_family_in_every_spelling() -> None:
    source = 'a = card.family == "gpt2"\nb = "bert" != family\nc = config.model_type in NAMES\nd = card.title == 1\n'
    assert asks_for_family(source) == [1, 2, 3]


def test_a_cycle_is_named_from_its_first_member_back_to_it() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
