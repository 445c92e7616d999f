"""How far a query looks, in tokens. [h i j] -> [h i] (Vig & Belinkov 2019)."""

import torch
from torch import Tensor

from .block import Block


def distance(block: Block) -> Tensor:
    """sum_j A_ij |i - j|."""
    return block.mass_on((block.queries - block.keys).abs())


def signed_distance(block: Block) -> Tensor:
    """sum_j A_ij (j - i): below 0, it looks back. Of a causal model, minus the distance, so nothing is counted."""
    ahead = block.mass_on(block.keys - block.queries)
    return torch.full_like(ahead, torch.nan) if block.text.causal else ahead
