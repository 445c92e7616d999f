"""One captured layer: queries, keys and the log-sum-exp of each row, from which any window of its maps is computed.

Axis letters: h query head, g key/value head, i query row, j key column, d width of a head.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from ..attention.kernels import log_pattern_window, scores_of
from ..attention.terms import Terms
from ..errors import NoBias
from ..records import StackName, WindowQuantity

Cells = WindowQuantity | Literal["log_pattern"]

# Weights held at once while rows are normalised: 16 MB in float64.
WEIGHTS_PER_BLOCK = 2**21


def exact_dtype(device: torch.device) -> torch.dtype:
    """The dtype that scores of a window are computed in; Apple's GPUs have no float64."""
    return torch.float32 if device.type == "mps" else torch.float64


@dataclass(frozen=True)
class LayerCapture:
    """One layer: q [h i d], k [g j d], lse [h i], exact_lse [h i].

    q and k may be kept in half precision.
    lse:       log-sum-exp of each row as the attention kernel computed it, without sinks; its dtype is that of all
               weights
    exact_lse: log-sum-exp of the scores in float64, without sinks; NaN until a row is first read
    terms:     how products of q and k become weights
    index:     the number that the model gives this layer, within its stack
    held:      what accounts for this memory; it ends with the last layer that refers to it
    """

    q: Tensor
    k: Tensor
    lse: Tensor
    exact_lse: Tensor
    terms: Terms
    index: int = 0
    stack: StackName = "self"
    held: object = field(default=None, repr=False, compare=False)

    @property
    def bytes(self) -> int:
        return sum(x.nbytes for x in (self.q, self.k, self.lse, self.exact_lse))

    @property
    def heads(self) -> int:
        return self.q.shape[0]

    @property
    def kv_heads(self) -> int:
        return self.k.shape[0]

    @property
    def causal(self) -> bool:
        """No query attends to a later key."""
        return self.terms.rule.is_causal

    @torch.inference_mode()
    def block(
        self, heads: range, rows: range, columns: range, quantity: Cells = "pattern", normalised: bool = True
    ) -> Tensor:
        """[heads rows columns] of the pattern, its logarithm, the scores before mask and softmax, or their bias.

        In float32, q . k rounds differently in the attention kernel and in windows of each size: a score of 100 by up
        to 8e-6, and rows would miss a sum of 1 by as much. So scores are computed in float64, and so is the log-sum-exp
        of a row when it is first read; it is kept from then on. `normalised=False` takes the kernel's log-sum-exp and
        float32, for thumbnails of 256 steps.
        """
        if quantity == "scores":
            q, k = (x.to(self.lse.dtype) for x in self.slices(heads))
            q, k = q[:, :, rows.start : rows.stop], k[:, :, columns.start : columns.stop]
            return scores_of(q, k, self.terms.of_heads(heads), rows, columns)[0]
        if quantity == "bias":
            return self.bias(heads, rows, columns)
        if normalised:
            exponent = self.normalised(heads, rows, columns).to(self.lse.dtype)
        else:
            exponent = self.log_weights(heads, rows, columns, self.lse, self.terms)
        return exponent if quantity == "log_pattern" else exponent.exp_()

    def bias(self, heads: range, rows: range, columns: range, masked: float = 0.0) -> Tensor:
        """[heads rows columns], what is added to the scores; `masked` where the query may not attend to the key."""
        terms = self.terms.of_heads(heads)
        if terms.bias is None:
            raise NoBias(f"layer {self.index} adds no bias to its scores: take quantity=scores")
        q, k = (x.to(self.lse.dtype) for x in self.slices(heads))
        q, k = q[:, :, rows.start : rows.stop], k[:, :, columns.start : columns.stop]
        allowed = terms.rule.block(rows, columns, q.device)
        found = terms.bias.block(q, k, rows, columns).to(self.lse.dtype).masked_fill(~allowed, masked)
        return found[0].expand(len(heads), -1, -1).clone()

    def slices(self, heads: range) -> tuple[Tensor, Tensor]:
        """q [1 heads i d] and k [1 groups j d]: one head uses its own key head; several heads are whole groups."""
        group = self.heads // self.kv_heads
        groups = slice(heads.start // group, (heads.stop - 1) // group + 1)
        return self.q[None, heads.start : heads.stop], self.k[None, groups]

    def log_weights(self, heads: range, rows: range, columns: range, lse: Tensor, terms: Terms) -> Tensor:
        """[heads rows columns]: scores - lse [h i] in the dtype of lse; minus infinity where masked."""
        q, k = self.slices(heads)
        return log_pattern_window(q, k, lse[None, heads.start : heads.stop], rows, columns, terms.of_heads(heads))[0]

    def masked_scores(self, heads: range, rows: range, columns: range) -> Tensor:
        """[heads rows columns] in float64; minus infinity where masked."""
        zeros = self.exact_lse.new_zeros(()).expand_as(self.exact_lse)
        return self.log_weights(heads, rows, columns, zeros, replace(self.terms, sinks=None))

    def visible(self, rows: range) -> range:
        """The keys that any of these queries may attend to lie within this range, which begins with the first key."""
        return range(self.terms.rule.visible(rows).stop)

    def row_sums(self, heads: range, rows: range) -> Tensor:
        """[heads rows], what the weights of rows that have been read sum to: 1, or less if the rest goes to a sink."""
        sums = self.exact_lse[None, heads.start : heads.stop, rows.start : rows.stop]
        return (sums - self.terms.of_heads(heads).with_sinks(sums, rows))[0].exp()

    def allowed(self, rows: range, columns: range) -> Tensor:
        """bool [rows columns], True where any head may attend to the key."""
        return self.terms.rule.block(rows, columns, self.q.device)[0].any(0)

    def normalised(self, heads: range, rows: range, columns: range) -> Tensor:
        """[heads rows columns], the logarithm of the pattern in float64."""
        known = self.exact_lse[heads.start : heads.stop, rows.start : rows.stop]
        missing = known.isnan().any(0)
        if missing.any():
            every = self.terms.rule.visible(rows)
            if columns.start <= every.start and columns.stop >= every.stop:  # the window holds whole rows
                scores = self.masked_scores(heads, rows, columns)
                known.copy_(row_log_sums(scores))
                return scores - self.terms.of_heads(heads).with_sinks(known[None], rows)[0, ..., None]
            self.read_rows(heads, (missing.nonzero().flatten() + rows.start).tolist())
        return self.log_weights(heads, rows, columns, self.exact_lse, self.terms)

    def read_rows(self, heads: range, rows: list[int]) -> None:
        """Compute the log-sum-exp of rows that are read for the first time, from the first of them to the last.

        Two threads may compute the same row: both write the same value.
        """
        rule, last = self.terms.rule, rows[-1] + 1
        height = max(1, WEIGHTS_PER_BLOCK // (len(heads) * max(1, len(rule.visible(range(rows[0], last))))))
        for start in range(rows[0], last, height):
            part = range(start, min(start + height, last))
            scores = self.masked_scores(heads, part, rule.visible(part))
            self.exact_lse[heads.start : heads.stop, part.start : part.stop] = row_log_sums(scores)


def row_log_sums(scores: Tensor) -> Tensor:
    """[h i j] -> [h i], the log-sum-exp of each row; 0 for a row without any allowed key."""
    sums = scores.logsumexp(-1)
    return sums.masked_fill_(sums.isneginf(), 0.0)
