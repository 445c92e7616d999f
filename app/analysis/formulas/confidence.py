"""The largest weight of a query. [h i j] -> [h i]."""

from torch import Tensor

from .block import Block


def confidence(block: Block) -> Tensor:
    """max_j A_ij, without special tokens that end a sentence, as queries and as keys (Voita et al. 2019, sec. 4).

    The score of a head is the mean over its queries, not the largest weight of the pattern.
    """
    ends = block.text.ends
    found = block.weights.masked_fill(block.of_keys(ends), 0).amax(-1) if ends.any() else block.largest
    return block.only(found, ~block.of_queries(block.query_text.ends)[:, 0])
