"""docs/architecture.md: every path and every function that it names exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text()
PATH = r"(?:app|static|templates|tests|docs|benchmarks|scripts)/[^`\s]*|[\w-]+\.(?:toml|lock|json)"
STEPS = re.findall(rf"^\| (\d+)\. .*\| `({PATH})` \| `(\w+)` \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("path", sorted(set(re.findall(rf"`({PATH})`", PAGE))))
def test_a_path_exists(path):
    """NAME stands for a new name: the folder exists."""
    assert (ROOT / (path if "NAME" not in path else path[: path.rindex("/")])).exists()


def test_the_processing_of_a_text_has_every_step():
    assert [int(number) for number, _, _ in STEPS] == list(range(1, len(STEPS) + 1))
    assert len(STEPS) == len(re.findall(r"^\| \d+\. ", PAGE, re.MULTILINE)) > 10


@pytest.mark.parametrize(("path", "name"), [step[1:] for step in STEPS])
def test_a_function_of_the_processing_of_a_text_is_in_its_file(path, name):
    source = (ROOT / path).read_text()
    assert re.search(rf"\b(?:def|function) {name}\b|\bconst {name} =|^\s+{name}: async\b", source, re.MULTILINE)
