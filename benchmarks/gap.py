"""Snippets of GAP (Webster et al. 2018, https://arxiv.org/abs/1810.05201): a pronoun, two names, and whose it is."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from .treebank import Place


@dataclass(frozen=True)
class Snippet:
    """candidates: the two names, as they come in the text; truth: which of them is meant, None: neither or both."""

    text: str
    pronoun: Place
    candidates: tuple[Place, Place]
    truth: int | None

    @property
    def looks_back(self) -> bool:
        """Whether both names come before the pronoun: all that a causal model sees of the text."""
        return self.candidates[1] < self.pronoun

    @property
    def nearest(self) -> int:
        """Which candidate has fewer characters between itself and the pronoun."""
        between = [max(place[0] - self.pronoun[1], self.pronoun[0] - place[1]) for place in self.candidates]
        return int(between[1] < between[0])


def snippets(tsv: str) -> Iterator[Snippet]:
    for line in csv.DictReader(tsv.split("\n"), delimiter="\t", quoting=csv.QUOTE_NONE):
        yield snippet(line)


def snippet(line: dict[str, str]) -> Snippet:
    """Raises ValueError where a name does not stand where the line says."""
    a, b = place(line, "A"), place(line, "B")
    meant = [line["A-coref"].upper() == "TRUE", line["B-coref"].upper() == "TRUE"]
    first, second = (a, b) if a < b else (b, a)
    in_order = meant if a < b else meant[::-1]
    return Snippet(
        line["Text"], place(line, "Pronoun"), (first, second), in_order.index(True) if sum(meant) == 1 else None
    )


def place(line: dict[str, str], what: str) -> Place:
    start = int(line[f"{what}-offset"])
    end = start + len(line[what])
    if line["Text"][start:end] != line[what]:
        raise ValueError(f"{line['ID']}: {line[what]!r} is not at character {start}, but {line['Text'][start:end]!r}")
    return start, end
