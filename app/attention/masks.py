"""Which query may attend to which key. One polarity everywhere: True means that it may.

Axis letters: b batch, h head, i query row, j key column.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ShapeMismatch


@dataclass(frozen=True)
class MayAttend:
    """Causal, window and padding rules for `queries` x `keys`, read in blocks.

    The whole mask is built only by `whole`. Queries are the *last* `queries` positions of `keys`: causal query i
    is at key position i + keys - queries.

    padding: [b j], True: a real token
    given:   [b or 1, h or 1, i, j], True: the query may attend to the key; an additional mask
    """

    queries: int
    keys: int
    causal: bool = False
    window: int | None = None
    padding: Tensor | None = None
    given: Tensor | None = None

    def __post_init__(self) -> None:
        if self.padding is not None and (self.padding.ndim != 2 or self.padding.shape[-1] != self.keys):
            raise ShapeMismatch(f"padding {list(self.padding.shape)} is not [batch, keys] with {self.keys} keys")
        if self.given is not None and (self.given.ndim != 4 or self.given.shape[2:] != (self.queries, self.keys)):
            shape = list(self.given.shape)
            raise ShapeMismatch(f"mask {shape} is not [b h i j] with [i, j] = [{self.queries}, {self.keys}]")
        for mask in (self.padding, self.given):
            if mask is not None and mask.dtype != torch.bool:
                raise ShapeMismatch(f"a mask must be boolean, True where a query may attend; this one is {mask.dtype}")

    @property
    def is_full(self) -> bool:
        """Every query may attend to every key."""
        return not self.causal and self.window is None and self.padding is None and self.given is None

    @property
    def is_plain_causal(self) -> bool:
        """Exactly the lower triangle of a square."""
        others = self.window is None and self.padding is None and self.given is None
        return self.causal and others and self.queries == self.keys

    def is_open(self, rows: range, columns: range) -> bool:
        """True if the rules alone, without reading a mask, allow each of these queries every one of these keys."""
        if self.window is not None or self.padding is not None or self.given is not None:
            return False
        return not self.causal or columns.stop - 1 <= rows.start + self.keys - self.queries

    def block(self, rows: range, columns: range, device: torch.device | None = None) -> Tensor:
        """The rule for a window, bool [b or 1, h or 1, len(rows), len(columns)]."""
        i = torch.arange(rows.start, rows.stop, device=device)[:, None] + self.keys - self.queries
        j = torch.arange(columns.start, columns.stop, device=device)[None, :]
        allowed = torch.ones(len(rows), len(columns), dtype=torch.bool, device=device)
        if self.causal:
            allowed &= j <= i
        if self.window is not None:
            allowed &= (i - j).abs() < self.window
        allowed = allowed[None, None]
        if self.padding is not None:
            allowed = allowed & self.padding[:, None, None, columns.start : columns.stop]
        if self.given is not None:
            allowed = allowed & self.given[..., rows.start : rows.stop, columns.start : columns.stop]
        return allowed

    def whole(self, device: torch.device | None = None) -> Tensor:
        """The rule for all queries and keys, bool [b or 1, h or 1, i, j]."""
        return self.block(range(self.queries), range(self.keys), device)
