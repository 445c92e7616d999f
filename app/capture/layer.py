"""One captured layer: queries, keys and the log-sum-exp of each row, from which any window of its maps is computed.

Axis letters: h query head, g key/value head, i query row, j key column, d width of a head.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..attention.config import AttentionConfig
from ..attention.kernels import dot, log_pattern_window
from ..attention.masks import MayAttend
from ..records import Quantity

Cells = Quantity | Literal["log_pattern"]

# Weights held at once while rows are normalised: 8 MB in float32.
WEIGHTS_PER_BLOCK = 2**21


@dataclass(frozen=True)
class LayerCapture:
    """One layer: q [h i d], k [g j d], lse [h i], excess [h i].

    q and k may be kept in half precision; cells are computed in the dtype of lse.
    excess: logarithm of what a row sums to when it is computed from q, k and lse; NaN until a row is first read.
    """

    q: Tensor
    k: Tensor
    lse: Tensor
    excess: Tensor
    config: AttentionConfig

    @property
    def bytes(self) -> int:
        return sum(x.numel() * x.element_size() for x in (self.q, self.k, self.lse, self.excess))

    @torch.inference_mode()
    def block(
        self, heads: range, rows: range, columns: range, quantity: Cells = "pattern", normalised: bool = True
    ) -> Tensor:
        """[heads rows columns] of the pattern, its logarithm, or the scores (q . k * scale, unmasked).

        The log-sum-exp comes from the attention kernel, whose product q . k rounds differently from the one here: a
        row is off by a factor of up to 1 + 3e-5. Its first read computes that factor from the whole row and keeps it,
        so that rows sum to 1. `normalised=False` skips this, for pictures of 256 steps.
        """
        if quantity == "scores":
            q, k = self.slices(heads)
            q, k = q[:, :, rows.start : rows.stop], k[:, :, columns.start : columns.stop]
            return dot(q.to(self.lse.dtype), k.to(self.lse.dtype), self.config.scale)[0]
        exponent = self.log_weights(heads, rows, columns)
        if normalised:
            exponent -= self.excess_of(heads, rows, columns, exponent)[..., None]
        return exponent if quantity == "log_pattern" else exponent.exp_()

    def slices(self, heads: range) -> tuple[Tensor, Tensor]:
        """q [1 heads i d] and k [1 groups j d]: one head uses its own key head; several heads are whole groups."""
        group = self.config.heads // self.config.kv_heads
        groups = slice(heads.start // group, (heads.stop - 1) // group + 1)
        return self.q[None, heads.start : heads.stop], self.k[None, groups]

    def log_weights(self, heads: range, rows: range, columns: range) -> Tensor:
        """[heads rows columns], the logarithm of the pattern as the kernel's log-sum-exp gives it."""
        q, k = self.slices(heads)
        rule = MayAttend(q.shape[2], k.shape[2], self.config.causal, self.config.window)
        lse = self.lse[None, heads.start : heads.stop]
        return log_pattern_window(q, k, lse, rows, columns, may_attend=rule, scale=self.config.scale)[0]

    def visible(self, rows: range) -> range:
        """The keys that any of these queries may attend to lie within this range."""
        return range(rows.stop if self.config.causal else self.k.shape[1])

    def excess_of(self, heads: range, rows: range, columns: range, exponent: Tensor) -> Tensor:
        """[heads rows]; computed for rows that are read for the first time, and then kept.

        exponent: [heads rows columns], the window that is being read; where it holds whole rows, no more is computed.
        Two threads may compute the same row: both write the same value.
        """
        known = self.excess[heads.start : heads.stop, rows.start : rows.stop]
        if not (missing := known.isnan()).any():
            return known
        every = self.visible(rows)
        if columns.start == 0 and columns.stop >= every.stop:
            known.copy_(log_of_sums(exponent))
            return known
        unread = missing.any(0).nonzero().flatten() + rows.start
        height = max(1, WEIGHTS_PER_BLOCK // (len(heads) * len(every)))
        for start in range(int(unread[0]), int(unread[-1]) + 1, height):
            part = range(start, min(start + height, int(unread[-1]) + 1))
            found = log_of_sums(self.log_weights(heads, part, self.visible(part)))
            self.excess[heads.start : heads.stop, part.start : part.stop] = found
        return known


def log_of_sums(exponent: Tensor) -> Tensor:
    """[h i j] -> [h i], the logarithm of each row's sum; 0 for a row without any allowed key."""
    sums = exponent.logsumexp(-1)
    return sums.masked_fill_(sums.isneginf(), 0.0)
