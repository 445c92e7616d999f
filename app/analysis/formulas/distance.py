"""How far a query looks, in tokens. [h i j] -> [h i] (Vig & Belinkov 2019)."""

from torch import Tensor

from .block import Block


def distance(block: Block) -> Tensor:
    """sum_j A_ij |i - j|."""
    # Of a causal model all keys lie behind: a product of matrices, where each query having its own row would be none.
    return -ahead(block) if block.text.causal else block.mass_on((block.queries - block.keys).abs())


def signed_distance(block: Block) -> Tensor:
    """sum_j A_ij (j - i): below 0, it looks back. Of a causal model, minus the distance, so nothing is counted."""
    return block.nothing if block.text.causal else ahead(block)


def ahead(block: Block) -> Tensor:
    """sum_j A_ij (j - i), with sum_j A_ij = 1."""
    return block.mass_on(block.keys) - block.queries[:, 0]
