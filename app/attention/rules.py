"""Which query may attend to which key. One polarity everywhere: True means that it may.

Axis letters: b batch, h head, i query row, j key column.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from ..errors import ShapeMismatch
from .bits import Bits
from .edges import Cut
from .row_blocks import row_blocks

Mask = Callable[[range], Tensor]  # rows -> bool [b or 1, h or 1, len(rows), keys]


@dataclass(frozen=True, eq=False)
class Rule:
    """Query i may attend to key j where low[i] <= j < high[i], and padding[j], and bits[i, j].

    One interval of keys for each query covers full, causal, sliding-window (one- or two-sided), chunked, prefix and
    packed attention, and causal attention with an offset. Its memory grows with the queries, and any block can be
    built without the others.

    low, high: [b or 1, i] int32; None: all keys
    padding:   [b or 1, j] bool, True: a real token; None: all are real
    bits:      only for a mask whose rows are no intervals; low and high then limit them from outside
    """

    queries: int
    keys: int
    low: Tensor | None = None
    high: Tensor | None = None
    padding: Tensor | None = None
    bits: Bits | Cut | None = None

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise ShapeMismatch("a rule has both low and high, or neither")
        for name, limit in (("low", self.low), ("high", self.high)):
            if limit is not None and (limit.ndim != 2 or limit.shape[-1] != self.queries):
                raise ShapeMismatch(f"{name} {list(limit.shape)} is not [batch, queries] with {self.queries} queries")
        if self.padding is not None:
            if self.padding.ndim != 2 or self.padding.shape[-1] != self.keys:
                raise ShapeMismatch(f"padding {list(self.padding.shape)} is not [batch, keys] with {self.keys} keys")
            check_boolean(self.padding)
        if self.bits is not None and self.bits.shape[2:] != (self.queries, self.keys):
            raise ShapeMismatch(
                f"mask {list(self.bits.shape)} is not [b h i j] with [i, j] = [{self.queries}, {self.keys}]"
            )

    @property
    def bytes(self) -> int:
        tensors = [x for x in (self.low, self.high, self.padding) if x is not None]
        return sum(x.nbytes for x in tensors) + (self.bits.bytes if self.bits else 0)

    @property
    def batch(self) -> int:
        """The number of sequences that the rule is for; 1 if it is the same for all."""
        parts = (self.low, self.high, self.padding, self.bits)
        return max((part.shape[0] for part in parts if part is not None), default=1)

    @property
    def heads(self) -> int:
        """The number of heads that the rule is for; 1 if it is the same for all."""
        return 1 if self.bits is None else self.bits.shape[1]

    @property
    def is_full(self) -> bool:
        """Every query may attend to every key."""
        return self.low is None and self.padding is None and self.bits is None

    @cached_property
    def is_lower_triangle(self) -> bool:
        """Exactly the lower triangle of a square: plain causal attention."""
        if self.low is None or self.high is None or self.padding is not None or self.bits is not None:
            return False
        ends = torch.arange(1, self.queries + 1, device=self.high.device)
        return self.queries == self.keys and not self.low.any() and bool((self.high == ends).all())

    @cached_property
    def is_causal(self) -> bool:
        """No query attends to a key after its own position, if the last query is at the last key."""
        if self.high is None:
            return False
        ends = torch.arange(1, self.queries + 1, device=self.high.device) + self.keys - self.queries
        return bool((self.high <= ends).all())

    def visible(self, rows: range) -> range:
        """The keys that any of these queries may attend to lie in this range; it may be empty."""
        if self.low is None or self.high is None:
            return range(self.keys)
        low, high = self.low[:, rows.start : rows.stop], self.high[:, rows.start : rows.stop]
        seen = low < high
        if not seen.any():
            return range(0)
        return range(int(low[seen].min()), int(high[seen].max()))

    def is_open(self, rows: range, columns: range) -> bool:
        """True if low and high alone, without reading a mask, allow each of these queries every one of these keys."""
        if self.padding is not None or self.bits is not None:
            return False
        if self.low is None or self.high is None:
            return True
        low, high = self.low[:, rows.start : rows.stop], self.high[:, rows.start : rows.stop]
        return bool((low <= columns.start).all()) and bool((high >= columns.stop).all())

    def block(self, rows: range, columns: range, device: torch.device | None = None) -> Tensor:
        """The rule for a window, bool [b or 1, h or 1, len(rows), len(columns)]."""
        allowed = torch.ones(1, 1, len(rows), len(columns), dtype=torch.bool, device=device)
        if self.low is not None and self.high is not None:
            low, high = (x[:, None, rows.start : rows.stop, None].to(device) for x in (self.low, self.high))
            j = torch.arange(columns.start, columns.stop, device=device)
            allowed = (j >= low) & (j < high)
        if self.padding is not None:
            allowed = allowed & self.padding[:, None, None, columns.start : columns.stop].to(device)
        if self.bits is not None:
            allowed = allowed & self.bits.block(rows, columns).to(device)
        return allowed

    def whole(self, device: torch.device | None = None) -> Tensor:
        """The rule for all queries and keys, bool [b or 1, h or 1, i, j]."""
        return self.block(range(self.queries), range(self.keys), device)

    def of_heads(self, heads: range) -> "Rule":
        """The rule of these heads."""
        if self.bits is None or self.bits.shape[1] == 1:
            return self
        return replace(self, bits=self.bits.of_heads(heads))

    def and_padding(self, padding: Tensor | None) -> "Rule":
        """The same rule without the keys [b j] where `padding` is False."""
        if padding is None:
            return self
        return replace(self, padding=padding if self.padding is None else self.padding & padding)

    def and_mask(self, given: Tensor | None) -> "Rule":
        """The same rule without the cells [b or 1, h or 1, i, j] where `given` is False. Raises ShapeMismatch."""
        if given is None:
            return self
        check_mask(given, self.queries, self.keys)

        def both(rows: range) -> Tensor:
            return self.block(rows, range(self.keys), given.device) & given[:, :, rows.start : rows.stop]

        return from_blocks(both, self.queries, self.keys)

    def without(self, edges: Tensor, heads: int) -> "Rule":
        """The same rule without these edges [edge 3]: head, query and key of each. Raises ShapeMismatch."""
        return replace(self, bits=Cut(edges, (heads, self.queries, self.keys), self.bits))


def full(queries: int, keys: int) -> Rule:
    """Every query may attend to every key."""
    return Rule(queries, keys)


def banded(
    queries: int, keys: int, *, before: int | None = None, after: int | None = None, offset: int | None = None
) -> Rule:
    """A query attends to at most `before` keys before its own position and `after` keys after it; None: to all.

    Causal attention is after=0; a sliding window of w tokens that ends with the query's own is before=w - 1, after=0.
    offset: the position of query 0 among the keys; by default the last query is at the last key.
    """
    if before is None and after is None:
        return full(queries, keys)
    offset = keys - queries if offset is None else offset
    at = torch.arange(queries, dtype=torch.int32) + offset
    low = torch.zeros_like(at) if before is None else (at - before).clamp(0, keys)
    high = torch.full_like(at, keys) if after is None else (at + after + 1).clamp(0, keys)
    return Rule(queries, keys, low[None], high[None])


def causal(queries: int, keys: int, offset: int | None = None) -> Rule:
    """A query attends to no key after its own position; see `banded`."""
    return banded(queries, keys, after=0, offset=offset)


def from_mask(mask: Tensor, like: Rule | None = None) -> Rule:
    """The rule of a mask, bool [b or 1, h or 1, i, j]: `like`, if that describes it. Raises ShapeMismatch."""
    check_mask(mask, *mask.shape[-2:])

    def block(rows: range) -> Tensor:
        return mask[:, :, rows.start : rows.stop]

    if like is not None and (like.queries, like.keys) == mask.shape[-2:] and describes(like, block):
        return like
    return from_blocks(block, *mask.shape[-2:])


def from_blocks(mask: Mask, queries: int, keys: int) -> Rule:
    """The rule of a mask that is read in blocks of rows, so that the whole of it need not be in memory.

    Exact: every cell is compared. The interval of a query goes from the first key that it may attend to to the last;
    keys that no query may attend to are padding where intervals alone do not describe the mask; the bits of the mask
    are kept where padding does not either.
    """
    limits, seen = [], []
    for rows in row_blocks(queries):
        allowed = mask(rows).any(1)
        limits.append(limits_of(allowed))
        seen.append(allowed.any(1))
    low, high = (torch.cat(each, 1) for each in zip(*limits, strict=True))
    intervals = Rule(queries, keys, low, high)
    for rule in (intervals, replace(intervals, padding=torch.stack(seen).any(0))):
        if describes(rule, mask):
            return simplified(rule)
    return replace(intervals, bits=Bits.of([mask(rows) for rows in row_blocks(queries)]))


def limits_of(allowed: Tensor) -> tuple[Tensor, Tensor]:
    """bool [b i j] -> the first key of each row, and one more than the last, int32 [b i]; 0 and 0 for an empty row."""
    first = allowed.to(torch.uint8).argmax(-1)  # the first of the largest
    last = allowed.shape[-1] - allowed.flip(-1).to(torch.uint8).argmax(-1)
    return first.to(torch.int32), torch.where(allowed.any(-1), last, 0).to(torch.int32)


def describes(rule: Rule, mask: Mask) -> bool:
    """Whether the rule has the same value as the mask in every cell."""
    blocks = ((rows, mask(rows)) for rows in row_blocks(rule.queries))
    return all(bool((rule.block(rows, range(rule.keys), of.device) == of).all()) for rows, of in blocks)


def simplified(rule: Rule) -> Rule:
    """The same rule: no limits where all keys are within them, and one row of them if all sequences have the same."""
    assert rule.low is not None
    assert rule.high is not None
    low, high = rule.low, rule.high
    if not low.any() and bool((high == rule.keys).all()):
        return replace(rule, low=None, high=None)
    if bool((low == low[:1]).all()) and bool((high == high[:1]).all()):
        low, high = low[:1], high[:1]
    return replace(rule, low=low, high=high)


def check_mask(mask: Tensor, queries: int, keys: int) -> None:
    """Raises ShapeMismatch unless it is bool [b h i j]."""
    if mask.ndim != 4 or mask.shape[2:] != (queries, keys):
        raise ShapeMismatch(f"mask {list(mask.shape)} is not [b h i j] with [i, j] = [{queries}, {keys}]")
    check_boolean(mask)


def check_boolean(mask: Tensor) -> None:
    if mask.dtype != torch.bool:
        raise ShapeMismatch(f"a mask must be boolean, True where a query may attend; this one is {mask.dtype}")
