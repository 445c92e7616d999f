"""Which heads attend from words to their heads in the dependency tree: Clark et al. 2019, sec. 4.2.

Axis letters: l layer, h attention head, i and j words, n instances. Direction 0: a dependent attends to its governor.
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

from .measurements import Row
from .selection import Best, best, percent
from .treebank import Arc, Sentence, Span

MIN_INSTANCES = 100  # instances of a relation
DIRECTIONS = ("dependent → governor", "governor → dependent")


@dataclass(frozen=True)
class Evaluation:
    """The evaluated instances.

    relations, offsets, numbers: [n], the relation, the offset, and the number of the sentence, from 1
    right: [n direction l h], True where a head is right
    read, too_long: number of sentences, and of those with more tokens than the model reads
    lost: number of instances with a word that has no token of its own, such as `do` if the tokens are `don` and `'t`
    """

    relations: np.ndarray
    offsets: np.ndarray
    numbers: np.ndarray
    right: np.ndarray
    read: int
    too_long: int
    lost: int

    def only(self, chosen: np.ndarray) -> "Evaluation":
        taken = (each[chosen] for each in (self.relations, self.offsets, self.numbers, self.right))
        return Evaluation(*taken, self.read, self.too_long, self.lost)

    @property
    def odd(self) -> np.ndarray:
        return self.numbers % 2 == 1


def rows(model: LoadedModel, sentences: Iterable[Sentence]) -> Iterator[Row]:
    name, found = model.card.id, evaluate(model, sentences)
    yield Row(
        f"{name}: data",
        f"{found.read:,} sentences, {len(found.offsets):,} instances",
        comparison=f"skipped: {found.too_long} sentences too long, "
        f"{found.lost:,} instances with a word without a token",
    )
    better = []
    for relation, some in [("all relations", found), *by_relation(found)]:
        if 0 < some.odd.sum() < len(some.odd):
            head, (_, baseline) = best_head(some), best_offset(some)
            better.append(head.held_out > baseline.held_out)
            yield relation_row(f"{name}, {relation}", some, bool(model.card.causal))
    won = f"{sum(better[1:])} of {len(better[1:])}"
    yield Row(
        f"{name}: relations in which the head chosen on one half is better on the other half than the offset", won
    )


def by_relation(found: Evaluation) -> Iterator[tuple[str, Evaluation]]:
    """The most frequent first, without those that have too few instances."""
    for relation, count in Counter(found.relations.tolist()).most_common():
        if count >= MIN_INSTANCES:
            yield relation, found.only(found.relations == relation)


def relation_row(what: str, found: Evaluation, causal: bool) -> Row:
    head, (offset, baseline) = best_head(found), best_offset(found)
    direction, layer, number = head.which
    # In a causal model, a word attends only to earlier words: later ones cannot be found.
    seen = (found.offsets < 0, found.offsets > 0)[direction].mean()
    visible = f", {percent(seen)} visible" if causal else ""
    return Row(
        f"{what}, {len(found.offsets):,} instances",
        f"{head.both}, layer {layer} head {number}, {DIRECTIONS[direction]}{visible}",
        comparison=f"{baseline.both}, offset {offset:+d}",
    )


def best_head(found: Evaluation) -> Best:
    return best(found.right, found.odd)


def best_offset(found: Evaluation) -> tuple[int, Best]:
    offsets = np.unique(found.offsets)
    baseline = best(found.offsets[:, None] == offsets, found.odd)
    return int(offsets[baseline.which]), baseline


def evaluate(model: LoadedModel, sentences: Iterable[Sentence]) -> Evaluation:
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
        complete, of_each = evaluate_sentence(capture, sentence)
        arcs += complete
        numbers += [read] * len(complete)
        right.append(of_each)
        lost += len(sentence.arcs) - len(complete)
    relations, offsets = np.array([arc.relation for arc in arcs]), np.array([arc.offset for arc in arcs])
    return Evaluation(relations, offsets, np.array(numbers), np.concatenate(right), read, too_long, lost)


@torch.inference_mode()
def evaluate_sentence(capture: Capture, sentence: Sentence) -> tuple[list[Arc], np.ndarray]:
    """The arcs between words with their own tokens, and [n direction l h], True where a head is right."""
    found = words(capture.tokens, capture.texts, [sentence.spans])
    at = rows_of(found, sentence.spans)
    arcs = [arc for arc in sentence.arcs if arc.dependent in at and arc.head in at]
    if not arcs:
        return arcs, np.empty((0, 2, len(capture.layers), capture.heads), dtype=bool)
    order = {number: row for row, number in enumerate(at)}
    dependents, heads = [order[arc.dependent] for arc in arcs], torch.tensor([order[arc.head] for arc in arcs])
    right = []
    for layer in capture.layers:
        targets = attended_most(of_words(layer, found, [*at.values()]).cpu())
        right.append(targets[..., dependents] == heads)
    return arcs, torch.stack(right, 1).movedim(-1, 0).numpy()


def rows_of(found: Sequence[Word], spans: Sequence[Span]) -> dict[int, int]:
    """Number of each span that has its own tokens -> index of that word in `found`."""
    numbers = ((None if word.end is None else span_at(spans, word.end), row) for row, word in enumerate(found))
    return {number: row for number, row in numbers if number is not None}


def of_words(layer: LayerCapture, found: Sequence[Word], kept: list[int]) -> Tensor:
    """Pattern [h i j] of the words of a sentence, without special tokens."""
    every = range(layer.q.shape[1])
    return merged(layer.block(range(layer.heads), every, every), found)[:, kept][:, :, kept]


def attended_most(pattern: Tensor) -> Tensor:
    """[h i j] -> [direction h i]: the other word that i attends to most, and the other word that attends most to i.

    −1: there is none.
    """
    others = pattern.masked_fill(torch.eye(pattern.shape[-1], dtype=torch.bool), 0)
    most, which = torch.stack([others, others.mT]).max(-1)
    return which.masked_fill(most <= 0, -1)
