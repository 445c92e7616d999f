"""Whether a query attends most to the rarest token of the text. [h i j] -> [h i]."""

from torch import Tensor

from .block import Block


def rare(block: Block) -> Tensor:
    """1 where no key has a larger weight than the rarest token of the text, else 0 (Voita et al. 2019, sec. 4).

    Most vocabularies are sorted by frequency, so the rarest token is the one with the highest id. Queries that cannot
    see it are not counted. In BERT's vocabulary, single characters are sorted by code point instead.
    """
    rarest = block.text.rarest
    # arg-max would take twenty times as long as the maximum.
    attended = block.weights.masked_fill(~block.of_keys(rarest), -1).amax(-1) == block.largest
    return block.only(attended.to(block.weights.dtype), block.sees(rarest))
