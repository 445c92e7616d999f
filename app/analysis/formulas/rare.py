"""Whether a query looks most at the text's rarest token. [h i j] -> [h i]."""

from torch import Tensor

from .block import Block


def rare(block: Block) -> Tensor:
    """1 where no key has a larger weight than the rarest token of the text, else 0 (Voita et al. 2019, sec. 4).

    Vocabularies are made from the most frequent piece to the least, so the rarest is the one with the highest id.
    Queries that do not see it are not counted.
    """
    rarest = block.text.rarest
    # Not by arg-max, which takes twenty times as long as the maximum.
    looked_at = block.weights.masked_fill(~block.of_keys(rarest), -1).amax(-1) == block.largest
    return block.only(looked_at.to(block.weights.dtype), block.sees(rarest))
