"""How far a query attends, in tokens. [h i j] -> [h i] (Vig & Belinkov 2019)."""

from torch import Tensor

from .block import Block


def distance(block: Block) -> Tensor:
    """sum_j A_ij |i - j|."""
    return block.mass_on((block.queries - block.keys).abs())


def signed_distance(block: Block) -> Tensor:
    """sum_j A_ij (j - i): negative where the query attends to earlier tokens.

    In a causal model it is minus the distance, so no query is counted.
    """
    return block.nothing if block.text.causal else block.mass_on(block.keys - block.queries)
