"""docs/faults.md says for each fault what happens, and names the tests that prove it."""

import ast

from fault_marks import DOCUMENT, ROW, decided_by, listed, marked, names_by_row, with_tests

ROWS = list(range(1, 52))


def test_the_document_has_every_row_once_in_order():
    assert [int(number) for number in ROW.findall(DOCUMENT.read_text())] == ROWS


def test_every_row_has_a_test_and_every_mark_has_a_row():
    assert sorted(names_by_row()) == ROWS


def test_the_document_names_the_tests_of_each_row():
    document = DOCUMENT.read_text()
    assert document.count("\nTests: ") == len(ROWS)
    assert document == with_tests(document), "run `python tests/fault_marks.py` to update the names"


def test_marks_of_functions_classes_and_modules_are_found():
    module = """
pytestmark = [pytest.mark.fault(1), pytest.mark.slow]
@pytest.mark.fault(2, 3)
def test_a(): ...
class TestB:
    @pytest.mark.parametrize("x", [4])
    def test_b(self): ...
def helper(): ...
"""
    assert list(marked(ast.parse(module).body)) == [(1, "test_a"), (2, "test_a"), (3, "test_a"), (1, "test_b")]


def test_tests_that_decide_come_first_and_the_others_are_folded():
    marks = ["pytest.mark.fault(2, 3, decides=True)", "pytest.mark.fault(4)", "pytest.mark.slow(decides=True)"]
    assert [decided_by(ast.parse(mark, mode="eval").body) for mark in marks] == [[2, 3], [], []]
    assert listed(["a"], ["b", "c"]) == "Tests: a <details><summary>2 more</summary>b, c</details>"
    assert listed([], ["b", "c"]) == listed(["b", "c"], []) == "Tests: b, c"
