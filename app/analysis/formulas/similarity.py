"""How alike heads are, from the same rows of all of them: Jensen-Shannon, cosine, and a map of the heads.

Axis letters: h head of any layer, r query row, j key.
"""

import torch
from torch import Tensor

TINY = 1e-30


def bits(p: Tensor, room: Tensor | None = None) -> Tensor:
    """[... j] -> [...], the entropy in bits; 0 log 0 = 0. `room`, as large as p, is written over."""
    # A third of the time of torch.special.entr. No weight is so small that adding this changes it, unless it is 0.
    return torch.add(p, TINY, out=room).log2_().mul_(p).sum(-1).neg_().clamp_(min=0)


def jensen_shannon(rows: Tensor) -> Tensor:
    """[h r j] -> [h h], the sum over rows of the Jensen-Shannon divergence in bits, H((p + q) / 2) - (H(p) + H(q)) / 2.

    Clark et al. 2019, sec. 6, smooth each row first and sum over rows; nothing is smoothed here. From 0, the same, to
    1 a row, nothing in common.
    """
    own, found = bits(rows), rows.new_zeros(len(rows), len(rows), dtype=torch.float64)
    mean, room = torch.empty_like(rows), torch.empty_like(rows)  # written over: fresh memory costs more than the sums
    for head in range(len(rows) - 1):
        rest = rows[head + 1 :]
        torch.add(rest, rows[head], out=mean[: len(rest)]).mul_(0.5)
        between = bits(mean[: len(rest)], room[: len(rest)]) - (own[head + 1 :] + own[head]) / 2
        found[head, head + 1 :] = between.clamp_(min=0).sum(-1, dtype=torch.float64)  # rounding may pass below 0
    return found + found.T


def products(rows: Tensor) -> Tensor:
    """[h r j] -> [h h], the inner products of the flattened maps."""
    flat = rows.flatten(1)
    found: Tensor = flat @ flat.T
    return found


def cosine(products: Tensor) -> Tensor:
    """Inner products [h h], over all rows -> the cosine of each two heads' flattened maps."""
    norms = products.diagonal().sqrt()
    return (products / (norms[:, None] * norms)).clamp_(-1, 1)


def effective_rank(rows: Tensor) -> Tensor:
    """[h r j] -> [h], exp of the entropy of the singular values, normalised to sum 1 (Roy and Vetterli 2007).

    1 where all queries look alike; at most as many as rows.
    """
    values = torch.linalg.eigvalsh(rows.double() @ rows.mT.double()).clamp_(min=0).sqrt_()
    share = values / values.sum(-1, keepdim=True)
    found: Tensor = torch.special.entr(share).sum(-1).exp()
    return found


def classical_mds(distances: Tensor) -> tuple[Tensor, float]:
    """Distances [h h] -> places [h 2], and which share of all variance these two axes show (Torgerson 1952).

    The sign of an axis means nothing: it is chosen so that the largest coordinate is positive.
    """
    squared = distances.double() ** 2
    centred = squared - squared.mean(0) - squared.mean(1, keepdim=True) + squared.mean()
    values, vectors = torch.linalg.eigh(-centred / 2)
    spread = values.clamp(min=0)
    places = vectors[:, -2:].flip(1) * spread[-2:].flip(0).sqrt()
    if places.shape[1] < 2:
        places = torch.nn.functional.pad(places, (0, 2 - places.shape[1]))
    largest = places.gather(0, places.abs().argmax(0, keepdim=True))
    total = float(spread.sum())
    return places * torch.where(largest < 0, -1.0, 1.0), float(spread[-2:].sum()) / total if total else 1.0
