"""Scores that are not computed: the product of queries and keys, as what it is made of.

A model that does not use the attention interface of transformers multiplies queries and keys itself, adds a mask,
calls softmax, and multiplies with the values. `LazyScores` follows these steps without the square of all scores.
Whatever else a model does with it gets the real numbers.

Axis letters: h head, i query, j key, d width of a head, e width of a value. Tensors have no batch axis: one text runs.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from ...attention.bias import from_tensor
from ...attention.core import Core
from ...attention.rules import from_mask
from ...attention.terms import Terms

# A score at or below this is masked: exp of it is 0 beside any other score of a row.
MASKED = -1e4


@dataclass(frozen=True, eq=False)
class Scores:
    """scores = q . k * scale + added, and `masked` scores are left out.

    q [h i d], k [h j d]; added: [h or 1, i or 1, j or 1] floats; masked: bool, True where a score is left out
    """

    q: Tensor
    k: Tensor
    scale: float = 1.0
    added: Tensor | None = None
    masked: Tensor | None = None
    softmax: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.q.shape[0], self.q.shape[1], self.k.shape[1]

    def times(self, factor: float) -> "Scores":
        return replace(self, scale=self.scale * factor, added=None if self.added is None else self.added * factor)

    def plus(self, other: Tensor) -> "Scores":
        return replace(self, added=other if self.added is None else self.added + other)

    def without(self, masked: Tensor) -> "Scores":
        return replace(self, masked=masked if self.masked is None else self.masked | masked)

    def numbers(self) -> Tensor:
        """[h i j], the scores, or after softmax the pattern."""
        scores = torch.baddbmm(
            torch.zeros((), dtype=self.q.dtype, device=self.q.device), self.q, self.k.mT, alpha=self.scale
        )
        if self.added is not None:
            scores = scores + self.added
        if self.masked is not None:
            scores = scores.masked_fill(self.masked, torch.finfo(scores.dtype).min)
        return scores.softmax(-1) if self.softmax else scores

    def terms(self, like: Terms | None = None) -> Terms:
        """`like`: those of another layer, whose mask and bias are taken if they are the same, cell by cell."""
        queries, keys = self.shape[1:]
        allowed = torch.ones(1, 1, queries, keys, dtype=torch.bool, device=self.q.device)
        added = None if self.added is None else self.added[None].expand(-1, -1, queries, keys)
        if added is not None:
            allowed = added > MASKED
        if self.masked is not None:
            allowed = allowed & ~self.masked
        rule = from_mask(allowed, None if like is None else like.rule)
        known = like.bias if like is not None and like.rule is rule else None
        return Terms(rule, self.scale, bias=None if added is None else from_tensor(added, rule, known))

    def attend(self, core: Core, v: Tensor) -> Tensor:
        """v [h j e] -> z [h i e]."""
        k, v = unrepeated(self.k, v)
        shared = shared_by(core)
        terms = self.terms(shared.last)
        shared.last = None if terms.squares else terms
        z: Tensor = core(self.q[None], k[None], v[None], terms)
        return z[0]


class Shared:
    """What the cores of a model share: the terms of the layer that ran last. Layers often have the same mask and bias.

    Squares are not kept. Threads may overwrite it: what is taken from it is compared first.
    """

    last: Terms | None = None


def shared_by(core: Core) -> Shared:
    """What this core shares with the others of its model; alone, it shares with no other."""
    found = vars(core).setdefault("shared", Shared())
    assert isinstance(found, Shared)
    return found


def unrepeated(k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """[h j d], [h j e] -> [g j d], [g j e]: keys and values that were repeated for all heads, once."""
    if len(k) > 1 and all(bool((x == x[:1]).all()) for x in (k, v)):
        return k[:1], v[:1]
    return k, v


class LazyScores(Tensor):
    """A tensor [... i j] without memory, whose leading axes together are the heads of `scores`."""

    scores: Scores

    @staticmethod
    def __new__(cls, scores: Scores, shape: tuple[int, ...]) -> "LazyScores":
        made: LazyScores = Tensor._make_wrapper_subclass(cls, shape, dtype=scores.q.dtype, device=scores.q.device)
        made.scores = scores
        return made

    def __init__(self, *_: object) -> None:
        pass

    def __repr__(self) -> str:  # type: ignore[override]
        return f"LazyScores({list(self.shape)})"

    def numbers(self) -> Tensor:
        return self.scores.numbers().view(self.shape)

    def of_heads(self, other: Tensor) -> Tensor | None:
        """[... i or 1, j or 1], broadcast to this tensor -> [h or 1, i or 1, j or 1]; None if that is impossible."""
        if other.ndim > self.ndim:
            return None
        other = other[(None,) * (self.ndim - other.ndim)]
        if other.shape[:-2].numel() > 1:
            other = other.expand(*self.shape[:-2], *other.shape[-2:])
        return other.reshape(-1, *other.shape[-2:])

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        """Any operation outside `Following` gets the real numbers."""
        return func(*tree_map(real, args), **tree_map(real, kwargs or {}))


def real(x: Any) -> Any:
    return x.numbers() if isinstance(x, LazyScores) else x
