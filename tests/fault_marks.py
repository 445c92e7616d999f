"""Which tests prove which rows of docs/faults.md. Run as a program, it writes their names into the document.

`@pytest.mark.fault(3, 24)` marks a test of these rows; with `decides=True`, one that a reader should look at first.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent
DOCUMENT = TESTS.parent / "docs" / "faults.md"

# `**12. A path outside the folder.**` begins a row; the line `Tests: ...` ends it.
ROW = re.compile(r"^\*\*(\d+)\. ", re.MULTILINE)
ROW_WITH_TESTS = re.compile(r"^\*\*(\d+)\. (.*?)^Tests:[^\n]*$", re.MULTILINE | re.DOTALL)


def rows_of(node: ast.expr) -> list[int]:
    """The numbers in `pytest.mark.fault(3, 24)`, also within a list of marks; none for any other expression."""
    if isinstance(node, ast.List):
        return [row for mark in node.elts for row in rows_of(mark)]
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.fault":
        return [ast.literal_eval(number) for number in node.args]
    return []


def marked(body: list[ast.stmt], around: tuple[int, ...] = ()) -> Iterator[tuple[int, str]]:
    """Each row with the name of a test that is marked itself, by its class, or by its module."""
    for node in body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            around = (*around, *rows_of(node.value))
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            rows = (*around, *(row for mark in node.decorator_list for row in rows_of(mark)))
            if isinstance(node, ast.ClassDef):
                yield from marked(node.body, rows)
            elif node.name.startswith("test_"):
                yield from ((row, node.name) for row in dict.fromkeys(rows))


def decided_by(node: ast.expr) -> list[int]:
    """The rows of a mark that a test decides."""
    decides = isinstance(node, ast.Call) and any(word.arg == "decides" for word in node.keywords)
    return rows_of(node) if decides else []


def names_by_row() -> dict[int, tuple[list[str], list[str]]]:
    """Row -> links to the tests that decide it, and to the others, in the order of the files."""
    found: dict[int, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for file in sorted(TESTS.rglob("test_*.py")):
        tree = ast.parse(file.read_text())
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        first = {(row, node.name) for node in functions for mark in node.decorator_list for row in decided_by(mark)}
        for row, name in marked(tree.body):
            link = f"[`{name}`](../{file.relative_to(TESTS.parent)})"
            found[row][(row, name) not in first].append(link)
    return found


def listed(first: list[str], others: list[str]) -> str:
    """One line; without tests that decide, all are equal."""
    if not first or not others:
        return f"Tests: {', '.join(first or others)}"
    return f"Tests: {', '.join(first)} <details><summary>{len(others)} more</summary>{', '.join(others)}</details>"


def with_tests(document: str) -> str:
    """The document with the names of the tests as they are now."""
    names = names_by_row()
    return ROW_WITH_TESTS.sub(lambda row: f"**{row[1]}. {row[2]}{listed(*names[int(row[1])])}", document)


if __name__ == "__main__":
    DOCUMENT.write_text(with_tests(DOCUMENT.read_text()))
