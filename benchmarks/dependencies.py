"""Which heads look from words to their heads in the tree of dependencies: Clark et al. 2019, sec. 4.2.

Axis letters: l layer, h head of attention, i and j words, n instances; direction 0: a dependent looks at its head.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from headscope.analysis.formulas.words import Word, merged, span_at, words
from headscope.capture.capture import Capture, run
from headscope.capture.layer import LayerCapture
from headscope.errors import TooManyTokens
from headscope.models.loading import LoadedModel

from .choosing import Best, best, percent
from .figures import Row
from .treebank import Arc, Place, Sentence

FEWEST = 100  # instances of a relation
DIRECTIONS = ("dependent → head", "head → dependent")


@dataclass(frozen=True)
class Judged:
    """Instances: of each its relation, its offset, the number of its sentence, from 1 [n]; right [n direction l h].

    read: sentences; too_long: those of more tokens than the model reads
    lost: instances with a word that no token ends in, as `do` where `don` and `'t` are tokens
    """

    relations: np.ndarray
    offsets: np.ndarray
    numbers: np.ndarray
    right: np.ndarray
    read: int
    too_long: int
    lost: int

    def only(self, chosen: np.ndarray) -> "Judged":
        taken = (each[chosen] for each in (self.relations, self.offsets, self.numbers, self.right))
        return Judged(*taken, self.read, self.too_long, self.lost)

    @property
    def odd(self) -> np.ndarray:
        return self.numbers % 2 == 1


def rows(model: LoadedModel, sentences: Iterable[Sentence]) -> Iterator[Row]:
    name, found = model.card.id, judged(model, sentences)
    yield Row(
        f"{name}: what was read",
        f"{found.read:,} sentences, {len(found.offsets):,} instances",
        beside=f"left out: {found.too_long} sentences too long, {found.lost:,} instances with a word without a token",
    )
    better = []
    for relation, some in [("all relations", found), *by_relation(found)]:
        if 0 < some.odd.sum() < len(some.odd):
            head, (_, baseline) = best_head(some), best_offset(some)
            better.append(head.held_out > baseline.held_out)
            yield relation_row(f"{name}, {relation}", some, bool(model.card.causal))
    won = f"{sum(better[1:])} of {len(better[1:])}"
    yield Row(f"{name}: relations where the head chosen on one half beats the offset on the other", won)


def by_relation(found: Judged) -> Iterator[tuple[str, Judged]]:
    """From the most frequent; those with too few instances are left out."""
    for relation, many in Counter(found.relations.tolist()).most_common():
        if many >= FEWEST:
            yield relation, found.only(found.relations == relation)


def relation_row(what: str, found: Judged, causal: bool) -> Row:
    head, (offset, baseline) = best_head(found), best_offset(found)
    direction, layer, number = head.which
    # A head of a causal model sees the words before: whoever comes after the looking word, it cannot find.
    seen = (found.offsets < 0, found.offsets > 0)[direction].mean()
    most = f", {percent(seen)} can be seen" if causal else ""
    return Row(
        f"{what}, {len(found.offsets):,} instances",
        f"{head.both}, layer {layer} head {number}, {DIRECTIONS[direction]}{most}",
        beside=f"{baseline.both}, offset {offset:+d}",
    )


def best_head(found: Judged) -> Best:
    return best(found.right, found.odd)


def best_offset(found: Judged) -> tuple[int, Best]:
    offsets = np.unique(found.offsets)
    baseline = best(found.offsets[:, None] == offsets, found.odd)
    return int(offsets[baseline.which]), baseline


def judged(model: LoadedModel, sentences: Iterable[Sentence]) -> Judged:
    arcs: list[Arc] = []
    numbers: list[int] = []
    right = [np.empty((0, 2, model.card.layers or 0, model.card.heads or 0), dtype=bool)]
    read = too_long = lost = 0
    for read, sentence in enumerate(sentences, 1):
        try:
            capture = run(model, sentence.text)
        except TooManyTokens:
            too_long += 1
            continue
        whole, of_each = judge(capture, sentence)
        arcs += whole
        numbers += [read] * len(whole)
        right.append(of_each)
        lost += len(sentence.arcs) - len(whole)
    relations, offsets = np.array([arc.relation for arc in arcs]), np.array([arc.offset for arc in arcs])
    return Judged(relations, offsets, np.array(numbers), np.concatenate(right), read, too_long, lost)


@torch.inference_mode()
def judge(capture: Capture, sentence: Sentence) -> tuple[list[Arc], np.ndarray]:
    """The arcs between words that have tokens of their own, and [n direction l h], True where a head found one."""
    found = words(capture.tokens, capture.texts, [sentence.places])
    at = rows_of(found, sentence.places)
    arcs = [arc for arc in sentence.arcs if arc.dependent in at and arc.head in at]
    if not arcs:
        return arcs, np.empty((0, 2, len(capture.layers), capture.heads), dtype=bool)
    order = {number: row for row, number in enumerate(at)}
    dependents, heads = [order[arc.dependent] for arc in arcs], torch.tensor([order[arc.head] for arc in arcs])
    right = []
    for layer in capture.layers:
        looked = looked_at(of_words(layer, found, [*at.values()]).cpu())
        right.append(looked[..., dependents] == heads)
    return arcs, torch.stack(right, 1).movedim(-1, 0).numpy()


def rows_of(found: Sequence[Word], places: Sequence[Place]) -> dict[int, int]:
    """The number of each place that has tokens of its own -> which of the words found it is, in their order."""
    numbers = ((None if word.end is None else span_at(places, word.end), row) for row, word in enumerate(found))
    return {number: row for number, row in numbers if number is not None}


def of_words(layer: LayerCapture, found: Sequence[Word], kept: list[int]) -> Tensor:
    """[h i j] of the words of a sentence, without special tokens and what else is none of them."""
    every = range(layer.q.shape[1])
    return merged(layer.block(range(layer.config.heads), every, every), found)[:, kept][:, :, kept]


def looked_at(pattern: Tensor) -> Tensor:
    """[h i j] -> [direction h i]: the word that i looks at most, and the word that looks most at i; −1: none does.

    Itself does not count.
    """
    others = pattern.masked_fill(torch.eye(pattern.shape[-1], dtype=torch.bool), 0)
    most, which = torch.stack([others, others.mT]).max(-1)
    return which.masked_fill(most <= 0, -1)
