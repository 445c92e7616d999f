"""Attention rollout through all layers (Abnar and Zuidema 2020). Axis letters: i query, j key or input token."""

import torch
from torch import Tensor


def step(pattern: Tensor, residual: float, receptive: bool) -> Tensor:
    """The pattern of a layer, averaged over its heads, [i j] -> A~ [i j] with the residual stream. Rows sum to 1.

    residual:  share of the residual stream, 1/2 in the paper: A~ = (1 - residual) A + residual I
    receptive: for causal models, divide each column by the number of queries that can see it, n - j, since a key that
               more queries can see gets more attention. The paper suggests such a correction without a formula.
    """
    if receptive:
        seen_by = torch.arange(pattern.shape[-1], 0, -1, device=pattern.device, dtype=pattern.dtype)
        pattern = normalised_(pattern / seen_by)
    mixed = (1 - residual) * pattern
    mixed.diagonal().add_(residual)
    return normalised_(mixed)


def normalised_(rows: Tensor) -> Tensor:
    """Divide each row by its sum, in place: the map of a long text is large."""
    return rows.div_(rows.sum(-1, keepdim=True))


def next_rollout(step: Tensor, below: Tensor | None) -> Tensor:
    """A~_l and R_{l-1} -> R_l = A~_l R_{l-1}; R_1 = A~_1."""
    return step if below is None else step @ below
