"""Snippets of GAP (Webster et al. 2018, https://arxiv.org/abs/1810.05201): a pronoun, and two names it may refer to."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from .treebank import Span


@dataclass(frozen=True)
class Snippet:
    """candidates: the two names in the order of the text. truth: which one is meant; None: neither or both."""

    text: str
    pronoun: Span
    candidates: tuple[Span, Span]
    truth: int | None

    @property
    def looks_back(self) -> bool:
        """Whether both names come before the pronoun: a causal model sees only these."""
        return self.candidates[1] < self.pronoun

    @property
    def nearest(self) -> int:
        """The candidate with fewer characters between it and the pronoun."""
        between = [max(start - self.pronoun[1], self.pronoun[0] - end) for start, end in self.candidates]
        return int(between[1] < between[0])


def snippets(tsv: str) -> Iterator[Snippet]:
    for line in csv.DictReader(tsv.split("\n"), delimiter="\t", quoting=csv.QUOTE_NONE):
        yield snippet(line)


def snippet(line: dict[str, str]) -> Snippet:
    """Raises ValueError if a name is not at the offset that the line names."""
    a, b = span(line, "A"), span(line, "B")
    meant = [line["A-coref"].upper() == "TRUE", line["B-coref"].upper() == "TRUE"]
    first, second = (a, b) if a < b else (b, a)
    in_order = meant if a < b else meant[::-1]
    return Snippet(
        line["Text"], span(line, "Pronoun"), (first, second), in_order.index(True) if sum(meant) == 1 else None
    )


def span(line: dict[str, str], what: str) -> Span:
    start = int(line[f"{what}-offset"])
    end = start + len(line[what])
    if line["Text"][start:end] != line[what]:
        raise ValueError(f"{line['ID']}: {line[what]!r} is not at character {start}, but {line['Text'][start:end]!r}")
    return start, end
