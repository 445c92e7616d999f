"""Sentences of a Universal Dependencies treebank (CoNLL-U), with the character spans of their words."""

from collections.abc import Iterator
from dataclasses import dataclass

TEXT = "# text = "

# The characters [start, end) of a text.
Span = tuple[int, int]


@dataclass(frozen=True)
class Arc:
    """From a word to its governor, both as word numbers from 0. The relation is without subtype: nmod for nmod:poss."""

    dependent: int
    head: int
    relation: str

    @property
    def offset(self) -> int:
        """Number of words from the dependent to its governor; negative if the governor comes first."""
        return self.head - self.dependent


@dataclass(frozen=True)
class Sentence:
    """spans: of the words, in order. arcs: without the root, which has no head, and without punctuation."""

    text: str
    spans: list[Span]
    arcs: list[Arc]


def sentences(conllu: str) -> Iterator[Sentence]:
    # splitlines() would also break a line at a Unicode line separator.
    lines: list[str] = []
    for line in [*conllu.split("\n"), ""]:
        if line.strip():
            lines.append(line)
        elif lines:
            yield sentence(lines)
            lines = []


def sentence(lines: list[str]) -> Sentence:
    """Raises ValueError if the lines have no text, or if a word is not in the text."""
    text = next((line.removeprefix(TEXT) for line in lines if line.startswith(TEXT)), None)
    if text is None:
        raise ValueError(f"a sentence without a line that begins with {TEXT!r}: {lines[0]!r}")
    fields = [line.split("\t") for line in lines if not line.startswith("#")]
    # 8.1 is a word that the text omits; it is only part of the enhanced tree.
    words = [field for field in fields if field[0].isdigit()]
    ranges = {int(field[0].partition("-")[0]) - 1: field for field in fields if "-" in field[0]}
    return Sentence(text, spans_of([field[1] for field in words], ranges, text), [*arcs(words)])


def arcs(words: list[list[str]]) -> Iterator[Arc]:
    for number, field in enumerate(words):
        head, relation = int(field[6]), field[7].partition(":")[0]
        if head and relation not in {"root", "punct"}:
            yield Arc(number, head - 1, relation)


def spans_of(forms: list[str], ranges: dict[int, list[str]], text: str) -> list[Span]:
    """The span of each word.

    ranges: first word -> line of several words written as one, such as `1-2 don't` for 1 `do` and 2 `n't`. If the words
    do not add up to the written form, as `de` and `el` for Spanish `del`, they share its span.
    """
    found: list[Span] = []
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


def parts(forms: list[str], written: str, start: int) -> Iterator[Span]:
    spelled_out = "".join(forms) == written
    for form in forms:
        end = start + len(form if spelled_out else written)
        yield start, end
        start = end if spelled_out else start
