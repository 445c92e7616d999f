"""What some models add to the scores: a bias for the distance of query and key, for the key, or for their content.

None of them is kept as a square unless nothing smaller is exact.
Axis letters: b batch, h query head, g key/value head, i query row, j key column, d width of a head, t distance.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import torch
from torch import Tensor

from .row_blocks import row_blocks
from .rules import Rule


@dataclass(frozen=True, eq=False)
class Bias(ABC):
    """A bias of all queries and keys.

    kind:      for people: what it depends on
    per_head:  the fields whose tensors differ from head to head
    head_axis: of these tensors
    """

    kind: ClassVar[Literal["distance", "key", "content", "dense"]]
    per_head: ClassVar[tuple[str, ...]] = ("values",)
    head_axis: ClassVar[int]

    @property
    def bytes(self) -> int:
        return sum(x.nbytes for x in vars(self).values() if isinstance(x, Tensor))

    def of_heads(self, heads: range) -> Self:
        """The bias of these heads. A tensor with one head is for all of them."""
        all_heads = {name: getattr(self, name) for name in self.per_head}
        some = {
            name: x.narrow(self.head_axis, heads.start, len(heads))
            for name, x in all_heads.items()
            if x is not None and x.shape[self.head_axis] > 1
        }
        return replace(self, **some)

    @abstractmethod
    def block(self, q: Tensor, k: Tensor, rows: range, columns: range) -> Tensor:
        """[b or 1, h or 1, len(rows), len(columns)]. q [b h rows d] and k [b g columns d] are of this window."""


@dataclass(frozen=True, eq=False)
class ByDistance(Bias):
    """bias[h, i, j] = values[h, j - i + queries - 1] (T5; Raffel et al. 2020, section 2.1).

    values: [h or 1, t] for the distances j - i from -(queries - 1) to keys - 1
    """

    values: Tensor
    queries: int

    kind = "distance"
    head_axis = 0

    def block(self, q: Tensor, k: Tensor, rows: range, columns: range) -> Tensor:  # noqa: ARG002 - one signature
        # Row i is the part of `values` that begins at columns.start - i + queries - 1: each row begins one earlier.
        first = columns.start - (rows.stop - 1) + self.queries - 1
        some = self.values[:, first : first + len(rows) + len(columns) - 1]
        return some.unfold(-1, len(columns), 1).flip(1)[None]


@dataclass(frozen=True, eq=False)
class ByKey(Bias):
    """bias[b, h, i, j] = values[b, h, j] (ALiBi as BLOOM computes it; Press et al. 2022).

    values: [b or 1, h or 1, j]
    """

    values: Tensor

    kind = "key"
    head_axis = 1

    def block(self, q: Tensor, k: Tensor, rows: range, columns: range) -> Tensor:  # noqa: ARG002 - one signature
        return self.values[:, :, None, columns.start : columns.stop].expand(-1, -1, len(rows), -1)


@dataclass(frozen=True, eq=False)
class ByContent(Bias):
    """bias[i, j] = (q_i . of_keys[t] + k_j . of_queries[t]) * scale, t = index[j - i + queries - 1].

    The relative positions of DeBERTa (He et al. 2021, eq. 4: content to position, and position to content).
    of_keys, of_queries: [h t d], or None where a model has only the other
    index: int64, which row of them stands for each distance j - i, from -(queries - 1) to keys - 1
    """

    of_keys: Tensor | None
    of_queries: Tensor | None
    index: Tensor
    queries: int
    scale: float

    kind = "content"
    per_head = ("of_keys", "of_queries")
    head_axis = 0

    @property
    def tables(self) -> list[Tensor]:
        return [x for x in (self.of_keys, self.of_queries) if x is not None]

    def block(self, q: Tensor, k: Tensor, rows: range, columns: range) -> Tensor:
        i = torch.arange(rows.start, rows.stop, device=q.device)[:, None]
        j = torch.arange(columns.start, columns.stop, device=q.device)
        t = self.index.to(q.device)[j - i + self.queries - 1].expand(*q.shape[:2], -1, -1)
        found = q.new_zeros(())
        if self.of_keys is not None:
            found = found + torch.einsum("bhid,htd->bhit", q, self.of_keys.to(q.dtype)).gather(-1, t)
        if self.of_queries is not None:
            wide = k.repeat_interleave(q.shape[1] // k.shape[1], 1)
            by_key = torch.einsum("bhjd,htd->bhjt", wide, self.of_queries.to(q.dtype))
            found = found + by_key.gather(-1, t.mT).mT
        return found * self.scale


@dataclass(frozen=True, eq=False)
class Dense(Bias):
    """bias[b, h, i, j] = values[b, h, i, j], where no other form is exact. values: [b or 1, h or 1, i, j]."""

    values: Tensor

    kind = "dense"
    head_axis = 1

    def block(self, q: Tensor, k: Tensor, rows: range, columns: range) -> Tensor:  # noqa: ARG002 - one signature
        return self.values[:, :, rows.start : rows.stop, columns.start : columns.stop]


def from_tensor(bias: Tensor, rule: Rule, like: Bias | None = None) -> Bias | None:
    """The smallest form of a bias that is exact, bit for bit, wherever `rule` allows the key; None if it is 0 there.

    bias: [b or 1, h or 1, i or 1, j]
    like: a form that is tried first: that of another layer, for the same queries and keys
    """
    if isinstance(like, ByKey | ByDistance) and bias.shape[2] == rule.queries and equals(like, bias, rule):
        return like
    if bias.shape[0] > 1 and bool((bias == bias[:1]).all()):
        bias = bias[:1]
    if bias.shape[2] == 1 and isinstance(like, ByKey) and torch.equal(like.values, bias[:, :, 0]):
        return like
    if bias.shape[2] == 1:
        return ByKey(bias[:, :, 0]) if bias.any() else None
    if all(not allowed_part(bias, rule, rows, 0.0).any() for rows in row_blocks(rule.queries)):
        return None
    candidates = (by_key(bias, rule), by_distance(bias, rule)) if len(bias) == 1 else (by_key(bias, rule),)
    return next((found for found in candidates if equals(found, bias, rule)), Dense(bias))


def by_key(bias: Tensor, rule: Rule) -> ByKey:
    """The largest allowed value of each key: if it depends on the key alone, that is its value."""
    largest = [allowed_part(bias, rule, rows, -torch.inf).amax(2) for rows in row_blocks(rule.queries)]
    return ByKey(finite(torch.stack(largest).amax(0)))


def by_distance(bias: Tensor, rule: Rule) -> ByDistance:
    """The largest allowed value of each distance."""
    values = bias.new_full((bias.shape[1], rule.queries + rule.keys - 1), -torch.inf)
    j = torch.arange(rule.keys, device=bias.device)
    for rows in row_blocks(rule.queries):
        part = allowed_part(bias, rule, rows, -torch.inf)[0].flatten(1)
        i = torch.arange(rows.start, rows.stop, device=bias.device)[:, None]
        values.scatter_reduce_(1, (j - i + rule.queries - 1).flatten().expand_as(part), part, "amax")
    return ByDistance(finite(values), rule.queries)


def equals(found: ByKey | ByDistance, bias: Tensor, rule: Rule) -> bool:
    """Whether the bias has these values in all cells that the rule allows."""
    nothing = bias.new_empty(1, 1, 0, 0)  # these forms do not read q and k
    for rows in row_blocks(rule.queries):
        keys = range(rule.keys)
        wrong = found.block(nothing, nothing, rows, keys) != bias[:, :, rows.start : rows.stop]
        if (wrong & rule.block(rows, keys, bias.device)).any():
            return False
    return True


def allowed_part(bias: Tensor, rule: Rule, rows: range, other: float) -> Tensor:
    """These rows of the bias, and `other` where the rule does not allow the key."""
    allowed = rule.block(rows, range(rule.keys), bias.device)
    return torch.where(allowed, bias[:, :, rows.start : rows.stop], other)


def finite(values: Tensor) -> Tensor:
    """0 for keys or distances that are nowhere allowed."""
    return values.masked_fill(values == -torch.inf, 0.0)
