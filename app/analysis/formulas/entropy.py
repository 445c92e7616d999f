"""How widely a query spreads its attention. [h i j] -> [h i]."""

from torch import Tensor

from .block import Block


def entropy(block: Block) -> Tensor:
    """-sum_j A_ij log2 A_ij in bits, with 0 log 0 = 0 and no smoothing (Clark et al. 2019, sec. 3.3, smooth first)."""
    return block.entropy


def normalised_entropy(block: Block) -> Tensor:
    """Entropy divided by its largest possible value, the logarithm of the number of keys that a query can see: 0 to 1.

    A query that can see only one key is not counted.
    """
    visible = block.may.sum(-1)
    return block.only(block.entropy / visible.log2(), visible > 1)
