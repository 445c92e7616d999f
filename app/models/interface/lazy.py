"""Scores that are not computed: the product of queries and keys, as what it is made of.

A model that does not use the attention interface of transformers multiplies queries and keys itself, adds a mask,
calls softmax, and multiplies with the values. `LazyScores` follows these steps without the square of all scores.
Whatever else a model does with it gets the real numbers.

Axis letters: h head, i query, j key, d width of a head, e width of a value. Tensors have no batch axis: one text runs.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...attention.bias import Bias, from_tensor
from ...attention.core import Core
from ...attention.rules import Rule, from_mask
from ...attention.terms import Terms
from .content import Positions, as_bias, sum_of
from .lazy_tensor import LazyTensor, real

# A score at or below this is masked: exp of it is 0 beside any other score of a row.
MASKED = -1e4


@dataclass(frozen=True, eq=False)
class Scores:
    """scores = q . k * scale + added + content, and `masked` scores are left out.

    q [h i d], k [h j d]; added: floats [h or 1, i or 1, j or 1] each, kept apart: their sum could be a square of each
    head; content: products with positions, which are added
    masked: bool [h or 1, i or 1, j or 1], True where a score is left out
    dtype: that the scores were converted to before the softmax
    """

    q: Tensor
    k: Tensor
    scale: float = 1.0
    added: tuple[Tensor, ...] = ()
    content: tuple[Positions, ...] = ()
    masked: Tensor | None = None
    softmax: bool = False
    dtype: torch.dtype | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.q.shape[0], self.q.shape[1], self.k.shape[1]

    @property
    def is_product(self) -> bool:
        """Nothing but q . k * scale."""
        untouched = self.masked is None and not self.added and not self.content and not self.softmax
        return untouched and self.dtype in (None, self.q.dtype)

    def times(self, factor: float) -> "Scores":
        added = tuple(part * factor for part in self.added)
        content = tuple(replace(part, scale=part.scale * factor) for part in self.content)
        return replace(self, scale=self.scale * factor, added=added, content=content)

    def plus(self, other: Tensor) -> "Scores":
        if self.added and self.added[-1].shape == other.shape:
            return replace(self, added=(*self.added[:-1], self.added[-1] + other))
        return replace(self, added=(*self.added, other))

    def without(self, masked: Tensor) -> "Scores":
        return replace(self, masked=masked if self.masked is None else self.masked | masked)

    def numbers(self) -> Tensor:
        """[h i j], the scores, or after softmax the pattern."""
        scores = torch.baddbmm(
            torch.zeros((), dtype=self.q.dtype, device=self.q.device), self.q, self.k.mT, alpha=self.scale
        )
        if self.dtype is not None:
            scores = scores.to(self.dtype)
        for part in self.added:
            scores = scores + part
        if self.content:
            scores = scores + sum_of(self.content)
        if self.masked is not None:
            scores = scores.masked_fill(self.masked, torch.finfo(scores.dtype).min)
        return scores.softmax(-1) if self.softmax else scores

    def terms(self, like: Terms | None = None) -> Terms:
        """`like`: those of another layer, whose mask and bias are taken if they are the same, cell by cell."""
        size = (-1, *self.shape[1:])
        allowed = torch.ones(1, *self.shape[1:], dtype=torch.bool, device=self.q.device)
        for part in self.added:
            if bool((part <= MASKED).any()):
                allowed = allowed & (part > MASKED)
        if self.masked is not None:
            allowed = allowed & ~self.masked
        rule = from_mask(allowed[None], None if like is None else like.rule)
        known = like.bias if like is not None and like.rule is rule else None
        biases = [from_tensor(as_bias_tensor(part, size), rule, known) for part in self.added]
        return Terms(rule, self.scale, bias=self.one_bias([bias for bias in biases if bias is not None], rule))

    def one_bias(self, biases: list[Bias], rule: Rule) -> Bias | None:
        """All that is added to the scores. Only one bias can be kept in a small form."""
        if not self.content and len(biases) <= 1:
            return biases[0] if biases else None
        found = as_bias(self.content, self.q, self.k) if not biases else None
        if found is not None:
            return found
        total = sum((part.expand(-1, *self.shape[1:]) for part in self.added), self.q.new_zeros(()))
        return from_tensor((total + sum_of(self.content) if self.content else total)[None], rule)

    def attend(self, core: Core, v: Tensor) -> Tensor:
        """v [h j e] -> z [h i e]."""
        k, v = unrepeated(self.k, v)
        shared = shared_by(core)
        terms = self.terms(shared.last)
        shared.last = None if terms.squares else terms
        z: Tensor = core(self.q[None], k[None], v[None], terms)
        return z[0]


def as_bias_tensor(part: Tensor, size: tuple[int, ...]) -> Tensor:
    """[h or 1, i or 1, j or 1] -> [1, h or 1, i or 1, j]: one row of it stands for all unless it is also a mask."""
    whole = part.expand(size)[None]
    return whole if part.shape[-2] > 1 or bool((part <= MASKED).any()) else whole[:, :, :1]


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


class LazyScores(LazyTensor):
    """A tensor [... i j] without memory, whose leading axes together are the heads of `scores`."""

    scores: Scores

    @staticmethod
    def __new__(cls, scores: Scores, shape: tuple[int, ...], dtype: torch.dtype | None = None) -> "LazyScores":
        dtype = dtype or scores.dtype or scores.q.dtype
        made: LazyScores = Tensor._make_wrapper_subclass(cls, shape, dtype=dtype, device=scores.q.device)
        made.scores = scores
        return made

    def numbers(self) -> Tensor:
        return self.scores.numbers().to(self.dtype).view(self.shape)

    def become(self, found: Tensor) -> None:
        self.scores = (found if isinstance(found, LazyScores) else given(real(found))).scores

    def of_heads(self, other: Tensor) -> Tensor | None:
        """[... i or 1, j or 1], broadcast to this tensor -> [h or 1, i or 1, j or 1]; None if that is impossible."""
        if other.ndim > self.ndim:
            return None
        other = other[(None,) * (self.ndim - other.ndim)]
        if other.shape[:-2].numel() > 1:
            other = other.expand(*self.shape[:-2], *other.shape[-2:])
        return other.reshape(-1, *other.shape[-2:])


def given(numbers: Tensor) -> LazyScores:
    """Scores of which all numbers are kept."""
    flat = numbers.reshape(-1, *numbers.shape[-2:])
    q, k = flat.new_zeros(*flat.shape[:2], 1), flat.new_zeros(flat.shape[0], flat.shape[2], 1)
    return LazyScores(Scores(q, k, added=(flat,)), tuple(numbers.shape))
