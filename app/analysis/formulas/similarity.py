"""Similarity of heads, from the same rows of all heads: Jensen-Shannon divergence, cosine, and a map of the heads.

Axis letters: h head of any layer, r query row, j key.
"""

import torch
from torch import Tensor

from ...records import NO_PROGRESS, Progress

TINY = 1e-30


def bits(p: Tensor, buffer: Tensor | None = None) -> Tensor:
    """[... j] -> [...], the entropy in bits; 0 log 0 = 0. `buffer` has the shape of p and is overwritten."""
    # It takes a third of the time of torch.special.entr. TINY changes no weight except 0.
    return torch.add(p, TINY, out=buffer).log2_().mul_(p).sum(-1).neg_().clamp_(min=0)


def jensen_shannon(rows: Tensor, progress: Progress = NO_PROGRESS) -> Tensor:
    """[h r j] -> [h h], the sum over rows of the Jensen-Shannon divergence in bits, H((p + q) / 2) - (H(p) + H(q)) / 2.

    A row adds 0 if both heads are equal, and 1 if they have no key in common. There is no smoothing (Clark et al. 2019,
    sec. 6, smooth each row first).
    """
    own, found = bits(rows), rows.new_zeros(len(rows), len(rows), dtype=torch.float64)
    mean, buffer = torch.empty_like(rows), torch.empty_like(rows)  # allocating them for each head would be slower
    for head in range(len(rows) - 1):
        progress.check()  # all pairs of 1,280 heads take minutes
        rest = rows[head + 1 :]
        torch.add(rest, rows[head], out=mean[: len(rest)]).mul_(0.5)
        between = bits(mean[: len(rest)], buffer[: len(rest)]) - (own[head + 1 :] + own[head]) / 2
        found[head, head + 1 :] = between.clamp_(min=0).sum(-1, dtype=torch.float64)  # rounding can make it negative
    return found + found.T


def products(rows: Tensor) -> Tensor:
    """[h r j] -> [h h], the inner products of the flattened patterns."""
    flat = rows.flatten(1)
    found: Tensor = flat @ flat.T
    return found


def cosine(products: Tensor) -> Tensor:
    """Inner products over all rows, [h h] -> the cosine of the flattened patterns of every two heads."""
    norms = products.diagonal().sqrt()
    return (products / (norms[:, None] * norms)).clamp_(-1, 1)


def effective_rank(rows: Tensor) -> Tensor:
    """[h r j] -> [h], exp of the entropy of the singular values, normalised to sum 1 (Roy and Vetterli 2007).

    1 where all rows are equal; at most the number of rows.
    """
    values = torch.linalg.eigvalsh(rows.double() @ rows.mT.double()).clamp_(min=0).sqrt_()
    share = values / values.sum(-1, keepdim=True)
    found: Tensor = torch.special.entr(share).sum(-1).exp()
    return found


def classical_mds(distances: Tensor) -> tuple[Tensor, float]:
    """Distances [h h] -> positions [h 2], and the share of the variance that these two axes show (Torgerson 1952).

    The sign of an axis has no meaning; it is chosen so that the largest coordinate is positive.
    """
    squared = distances.double() ** 2
    centred = squared - squared.mean(0) - squared.mean(1, keepdim=True) + squared.mean()
    values, vectors = torch.linalg.eigh(-centred / 2)
    spread = values.clamp(min=0)
    positions = vectors[:, -2:].flip(1) * spread[-2:].flip(0).sqrt()
    if positions.shape[1] < 2:
        positions = torch.nn.functional.pad(positions, (0, 2 - positions.shape[1]))
    largest = positions.gather(0, positions.abs().argmax(0, keepdim=True))
    total = float(spread.sum())
    return positions * torch.where(largest < 0, -1.0, 1.0), float(spread[-2:].sum()) / total if total else 1.0
