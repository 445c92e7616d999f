"""Which heads attend from a pronoun to the name that it refers to: Clark et al. 2019, sec. 4.3, with the data of GAP.

Axis letters: l layer, h head, j token, c candidate, n snippets.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from headscope.analysis.formulas.words import words
from headscope.capture.capture import Capture, run
from headscope.errors import TooManyTokens
from headscope.models.loading import LoadedModel

from .dependencies import rows_of
from .gap import Snippet
from .measurements import Row
from .selection import best, percent

# Why a snippet is skipped.
UNCLEAR, TOO_LONG, NO_TOKEN = "refers to neither or both", "too long for the model", "a name without a token"


@dataclass(frozen=True)
class Evaluation:
    """The evaluated snippets, their numbers from 1 [n], right [n l h], and how many were read and skipped."""

    snippets: list[Snippet]
    numbers: np.ndarray
    right: np.ndarray
    read: int
    skipped: Counter[str]


def rows(model: LoadedModel, snippets: Iterable[Snippet]) -> Iterator[Row]:
    name, found = model.card.id, evaluate(model, snippets)
    yield Row(
        f"{name}: data",
        f"{found.read} snippets, {len(found.snippets)} evaluated",
        comparison=f"skipped: {', '.join(f'{found.skipped[why]} ({why})' for why in (UNCLEAR, TOO_LONG, NO_TOKEN))}",
    )
    back = np.array([snippet.looks_back for snippet in found.snippets], dtype=bool)
    if not model.card.causal:
        yield from some_rows(f"{name}, all", found, back | True)
    yield from some_rows(f"{name}, both names before the pronoun", found, back)


def some_rows(what: str, found: Evaluation, chosen: np.ndarray) -> Iterator[Row]:
    """No row if there are too few snippets to choose a head on one half and evaluate it on the other."""
    odd = found.numbers[chosen] % 2 == 1
    if not 0 < odd.sum() < len(odd):
        return
    head = best(found.right[chosen], odd)
    layer, number = head.which
    rules = by_rule([snippet for snippet, one in zip(found.snippets, chosen, strict=True) if one])
    yield Row(
        f"{what}, {len(odd)} snippets",
        f"{head.both}, layer {layer} head {number}",
        comparison=", ".join(f"{rule} name {percent(share)}" for rule, share in rules.items()),
    )


def by_rule(snippets: list[Snippet]) -> dict[str, float]:
    """The accuracy of each simple rule."""
    truth = np.array([snippet.truth for snippet in snippets])
    nearest = np.array([snippet.nearest for snippet in snippets])
    return {"nearest": (truth == nearest).mean(), "first": (truth == 0).mean(), "last": (truth == 1).mean()}


def evaluate(model: LoadedModel, snippets: Iterable[Snippet]) -> Evaluation:
    evaluated: list[Snippet] = []
    numbers: list[int] = []
    right: list[np.ndarray] = []
    skipped: Counter[str] = Counter()
    number = 0
    for number, snippet in enumerate(snippets, 1):
        found = evaluate_snippet(model, snippet)
        if isinstance(found, str):
            skipped[found] += 1
            continue
        evaluated.append(snippet)
        numbers.append(number)
        right.append(found)
    return Evaluation(evaluated, np.array(numbers), np.array(right), number, skipped)


def evaluate_snippet(model: LoadedModel, snippet: Snippet) -> np.ndarray | str:
    """[l h], True where the pronoun attends more to the name it refers to; or why this is not defined."""
    if snippet.truth is None:
        return UNCLEAR
    try:
        mass = of_candidates(run(model, snippet.text), snippet)
    except TooManyTokens:
        return TOO_LONG
    return NO_TOKEN if mass is None else (mass[..., snippet.truth] > mass[..., 1 - snippet.truth]).numpy()


@torch.inference_mode()
def of_candidates(capture: Capture, snippet: Snippet) -> Tensor | None:
    """[l h c]: mean over the tokens of the pronoun, sum over those of a name. None if one has no token of its own."""
    spans = sorted([snippet.pronoun, *snippet.candidates])
    found = words(capture.tokens, capture.texts, [spans])
    at = {spans[number]: found[row] for number, row in rows_of(found, spans).items()}
    if len(at) < len(spans):
        return None
    pronoun, names = at[snippet.pronoun], [at[place] for place in snippet.candidates]
    mass = []
    for layer in capture.layers:
        keys = range(len(capture.tokens))
        weights = layer.block(range(capture.heads), range(pronoun.first, pronoun.stop), keys).mean(1)
        mass.append(torch.stack([weights[:, name.first : name.stop].sum(-1) for name in names], -1))
    return torch.stack(mass).cpu()
