"""Layers together: attention rollout (Abnar and Zuidema 2020). Axis letters: i query, j key or input token."""

import torch
from torch import Tensor


def step(pattern: Tensor, residual: float, receptive: bool) -> Tensor:
    """The mean over heads of one layer's pattern [i j] -> A~ [i j], with the residual stream; rows sum to 1.

    residual:  share of the token itself, 1/2 in the paper: A~ = (1 - residual) A + residual I
    receptive: for causal models; a key that more queries can see gets more, so each column is first divided by how
               many see it, n - j. The paper asks for such a correction of decoders and gives no formula.
    """
    if receptive:
        seen_by = torch.arange(pattern.shape[-1], 0, -1, device=pattern.device, dtype=pattern.dtype)
        pattern = normalised_(pattern / seen_by)
    mixed = (1 - residual) * pattern
    mixed.diagonal().add_(residual)
    return normalised_(mixed)


def normalised_(rows: Tensor) -> Tensor:
    """Each row over its sum, in place: of a long text, every copy of a map counts."""
    return rows.div_(rows.sum(-1, keepdim=True))


def onward(step: Tensor, below: Tensor | None) -> Tensor:
    """A~_l and R_{l-1} -> R_l = A~_l R_{l-1}; the first is A~ itself."""
    return step if below is None else step @ below
