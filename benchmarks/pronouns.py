"""Which heads look from a pronoun to the name it stands for: Clark et al. 2019, sec. 4.3, with two candidates (GAP).

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

from .choosing import best, percent
from .dependencies import rows_of
from .figures import Row
from .gap import Snippet

# Why a snippet is left out.
UNCLEAR, TOO_LONG, NO_TOKEN = "neither or both are meant", "too long for the model", "a name without a token"


@dataclass(frozen=True)
class Judged:
    """The snippets that were judged, with their numbers from 1 [n], and right [n l h]; of all that were read."""

    snippets: list[Snippet]
    numbers: np.ndarray
    right: np.ndarray
    read: int
    left_out: Counter[str]


def rows(model: LoadedModel, snippets: Iterable[Snippet]) -> Iterator[Row]:
    name, found = model.card.id, judged(model, snippets)
    yield Row(
        f"{name}: what was read",
        f"{found.read} snippets, {len(found.snippets)} judged",
        beside=f"left out: {', '.join(f'{found.left_out[why]} ({why})' for why in (UNCLEAR, TOO_LONG, NO_TOKEN))}",
    )
    back = np.array([snippet.looks_back for snippet in found.snippets], dtype=bool)
    if not model.card.causal:
        yield from some_rows(f"{name}, all", found, back | True)
    yield from some_rows(f"{name}, both names before the pronoun", found, back)


def some_rows(what: str, found: Judged, chosen: np.ndarray) -> Iterator[Row]:
    """None where there are too few to choose a head on one half and judge it on the other."""
    odd = found.numbers[chosen] % 2 == 1
    if not 0 < odd.sum() < len(odd):
        return
    head = best(found.right[chosen], odd)
    layer, number = head.which
    rules = by_rule([snippet for snippet, one in zip(found.snippets, chosen, strict=True) if one])
    yield Row(
        f"{what}, {len(odd)} snippets",
        f"{head.both}, layer {layer} head {number}",
        beside=", ".join(f"{rule} name {percent(share)}" for rule, share in rules.items()),
    )


def by_rule(snippets: list[Snippet]) -> dict[str, float]:
    """How often each simple rule is right."""
    truth = np.array([snippet.truth for snippet in snippets])
    nearest = np.array([snippet.nearest for snippet in snippets])
    return {"nearest": (truth == nearest).mean(), "first": (truth == 0).mean(), "last": (truth == 1).mean()}


def judged(model: LoadedModel, snippets: Iterable[Snippet]) -> Judged:
    kept: list[Snippet] = []
    numbers: list[int] = []
    right: list[np.ndarray] = []
    left_out: Counter[str] = Counter()
    number = 0
    for number, snippet in enumerate(snippets, 1):
        found = judge(model, snippet)
        if isinstance(found, str):
            left_out[found] += 1
            continue
        kept.append(snippet)
        numbers.append(number)
        right.append(found)
    return Judged(kept, np.array(numbers), np.array(right), number, left_out)


def judge(model: LoadedModel, snippet: Snippet) -> np.ndarray | str:
    """[l h], True where the pronoun gives more to the name that is meant; else why that cannot be said."""
    if snippet.truth is None:
        return UNCLEAR
    try:
        mass = of_candidates(run(model, snippet.text), snippet)
    except TooManyTokens:
        return TOO_LONG
    return NO_TOKEN if mass is None else (mass[..., snippet.truth] > mass[..., 1 - snippet.truth]).numpy()


@torch.inference_mode()
def of_candidates(capture: Capture, snippet: Snippet) -> Tensor | None:
    """[l h c], from the mean of the pronoun's tokens to the sum of a name's; None if one has no token of its own."""
    places = sorted([snippet.pronoun, *snippet.candidates])
    found = words(capture.tokens, capture.texts, [places])
    at = {places[number]: found[row] for number, row in rows_of(found, places).items()}
    if len(at) < len(places):
        return None
    pronoun, names = at[snippet.pronoun], [at[place] for place in snippet.candidates]
    mass = []
    for layer in capture.layers:
        keys = range(len(capture.tokens))
        weights = layer.block(range(capture.heads), range(pronoun.first, pronoun.stop), keys).mean(1)
        mass.append(torch.stack([weights[:, name.first : name.stop].sum(-1) for name in names], -1))
    return torch.stack(mass).cpu()
