"""Sentences of a Universal Dependencies treebank (CoNLL-U), and where their words stand in the text."""

from collections.abc import Iterator
from dataclasses import dataclass

TEXT = "# text = "

# The characters [start, end) of a text.
Place = tuple[int, int]


@dataclass(frozen=True)
class Arc:
    """From a word to its head, both as numbers of words from 0; the relation without its subtype: nmod of nmod:poss."""

    dependent: int
    head: int
    relation: str

    @property
    def offset(self) -> int:
        """How many words after the dependent its head comes; below 0 it comes before."""
        return self.head - self.dependent


@dataclass(frozen=True)
class Sentence:
    """places: of its words, in order. arcs: without the root, which has no head, and without punctuation."""

    text: str
    places: list[Place]
    arcs: list[Arc]


def sentences(conllu: str) -> Iterator[Sentence]:
    # Not splitlines(), which would also break a text at a line separator of Unicode.
    lines: list[str] = []
    for line in [*conllu.split("\n"), ""]:
        if line.strip():
            lines.append(line)
        elif lines:
            yield sentence(lines)
            lines = []


def sentence(lines: list[str]) -> Sentence:
    """Raises ValueError where the lines do not say which text they are of, or where a word is not in it."""
    text = next((line.removeprefix(TEXT) for line in lines if line.startswith(TEXT)), None)
    if text is None:
        raise ValueError(f"a sentence without a line that begins with {TEXT!r}: {lines[0]!r}")
    fields = [line.split("\t") for line in lines if not line.startswith("#")]
    # 8.1 is a word that was left out of the text: it stands nowhere in it, and in no tree but the enhanced one.
    words = [field for field in fields if field[0].isdigit()]
    ranges = {int(field[0].partition("-")[0]) - 1: field for field in fields if "-" in field[0]}
    return Sentence(text, places([field[1] for field in words], ranges, text), [*arcs(words)])


def arcs(words: list[list[str]]) -> Iterator[Arc]:
    for number, field in enumerate(words):
        head, relation = int(field[6]), field[7].partition(":")[0]
        if head and relation not in {"root", "punct"}:
            yield Arc(number, head - 1, relation)


def places(forms: list[str], ranges: dict[int, list[str]], text: str) -> list[Place]:
    """Of each word. `ranges`: by their first words, lines such as `1-2 don't`, written as one; 1 is `do`, 2 `n't`.

    Words that a range does not spell out, as `de` and `el` of Spanish `del`, share its place.
    """
    found: list[Place] = []
    end = 0
    while len(found) < len(forms):
        first = len(found)
        last, written = last_and_form(ranges[first]) if first in ranges else (first, forms[first])
        start = after_spaces(text, end, written)
        end = start + len(written)
        found += parts(forms[first : last + 1], written, start)
    return found


def last_and_form(field: list[str]) -> tuple[int, str]:
    return int(field[0].partition("-")[2]) - 1, field[1]


def after_spaces(text: str, end: int, written: str) -> int:
    start = text.find(written, end)
    if start < 0 or text[end:start].strip():
        raise ValueError(f"{written!r} does not come next in {text!r}, from character {end}")
    return start


def parts(forms: list[str], written: str, start: int) -> Iterator[Place]:
    spelt = "".join(forms) == written
    for form in forms:
        end = start + len(form if spelt else written)
        yield start, end
        start = end if spelt else start
