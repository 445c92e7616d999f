"""Readers for the tests of the architecture: Python modules are parsed; scripts are searched for import lines."""

import ast
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath

Function = ast.FunctionDef | ast.AsyncFunctionDef


def python_imports(source: str, module: str) -> Iterator[str]:
    """Dotted names of all imports, also inside functions: `from ..errors import X` in app.web.a -> app.errors.X."""
    package = module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def layer_of(dotted: str, layers: Collection[str]) -> str:
    """app.web.routes.grid -> web/routes if that is a layer, else web: a file or folder directly under app."""
    parts = dotted.split(".")[1:]
    return next((inner for inner in ["/".join(parts[:2])] if inner in layers), "".join(parts[:1]))


def is_ours(dotted: str) -> bool:
    return dotted.split(".")[0] in {"app", "headscope"}


def table_of(text: str, heading: str) -> dict[str, set[str]]:
    """The table below `## heading`: first column -> names in the last: | `capture/` | ... | `models`, `records` |."""
    [section] = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    names = [(re.findall(r"`([^`]+)`", row[0]), re.findall(r"`([^`]+)`", row[-1])) for row in rows]
    return {first.rstrip("/"): {each.rstrip("/") for each in last} for [first], last in names}


def is_standard(dotted: str) -> bool:
    return dotted.split(".")[0] in sys.stdlib_module_names


def module_of(path: Path, root: Path) -> str:
    """root/app/web/pool.py -> app.web.pool."""
    return ".".join(path.relative_to(root).with_suffix("").parts)


def has_absolute_import_of_app(source: str) -> bool:
    return any(
        (isinstance(node, ast.ImportFrom) and node.level == 0 and is_ours(node.module or ""))
        or (isinstance(node, ast.Import) and any(is_ours(alias.name) for alias in node.names))
        for node in ast.walk(ast.parse(source))
    )


def functions(source: str) -> Iterator[tuple[str, int]]:
    """(name, number of lines) of every function, without decorators."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def family_comparisons(source: str) -> list[int]:
    """Lines that compare the family of a model: `card.family == "gpt2"`, `model_type in (...)`, `match`."""

    def names_family(node: ast.expr) -> bool:
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        return name in {"family", "model_type"}

    lines = []
    for node in ast.walk(ast.parse(source)):
        sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        if isinstance(node, ast.Match):
            sides = [node.subject]
        if any(names_family(side) for side in sides):
            lines.append(node.lineno)
    return lines


def without_comments(script: str) -> str:
    """A script without comments. A string that contains // or /* is cut there; import lines have none."""
    script = re.sub(r"/\*.*?\*/", "", script, flags=re.DOTALL)
    return re.sub(r"(?<![:\"'`\\])//[^\n]*", "", script)


def page_imports(script: str, path: str) -> Iterator[str]:
    """Paths of the imports of a script, relative to static/js: `../dom.js` in views/grid.js -> dom.js."""
    pattern = r"""\b(?:from|import)\s*\(?\s*["']([^"'\s]+)["']"""
    for target in re.findall(pattern, without_comments(script)):
        parts: list[str] = []
        for part in [*PurePosixPath(path).parent.parts, *PurePosixPath(target).parts]:
            if part == ".." and parts:
                parts.pop()
            elif part != ".":
                parts.append(part)
        yield "/".join(parts)


def requested_endpoints(descriptor: str) -> list[str]:
    """The endpoints in the descriptor of a panel: `api.analyse(capture, "scores?roles=true")` -> scores."""
    return re.findall(r"""\bapi\.analyse\w*\(\s*capture,\s*["'`](\w+)""", descriptor)


# In formatted code, a function's body opens at the end of a line and closes at the same indentation.
OPENS_FUNCTION = re.compile(r"(?:=>|\)) \{$")
IS_STATEMENT = re.compile(r"\s*(?:\} )?(?:if|for|while|switch|catch|else)\b")


def script_functions(script: str) -> Iterator[tuple[str, int]]:
    """(first line, number of lines) of every function with braces: declarations, methods, arrows, nested ones."""
    lines = script.splitlines()
    for first, line in enumerate(lines):
        if OPENS_FUNCTION.search(line) and not IS_STATEMENT.match(line):
            end = line[: len(line) - len(line.lstrip())] + "}"
            last = next(at for at in range(first + 1, len(lines)) if lines[at].startswith(end))
            yield line.strip(), last - first + 1


def cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """One cycle of the graph as a list of names, or an empty list."""
    done: set[str] = set()

    def walk(name: str, above: list[str]) -> list[str]:
        if name in above:
            return [*above[above.index(name) :], name]
        if name in done:
            return []
        done.add(name)
        return next(filter(None, (walk(other, [*above, name]) for other in sorted(graph.get(name, ())))), [])

    return next(filter(None, (walk(name, []) for name in sorted(graph))), [])
