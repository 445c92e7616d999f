"""How sure a query is of one key. [h i j] -> [h i]."""

from torch import Tensor

from .block import Block


def confidence(block: Block) -> Tensor:
    """max_j A_ij, without the tokens that end a sentence, as queries and as keys (Voita et al. 2019, sec. 4).

    The mean over the queries of a head, not the largest weight of its whole pattern.
    """
    ends = block.text.ends
    found = block.weights.masked_fill(block.of_keys(ends), 0).amax(-1) if ends.any() else block.largest
    return block.only(found, ~block.of_queries(ends)[:, 0])
