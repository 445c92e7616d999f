"""The mass on earlier copies of a token, and on what followed them. [h i j] -> [h i]; t_i is the id of token i."""

from torch import Tensor

from .block import Block


def duplicate(block: Block) -> Tensor:
    """sum of A_ij over j < i with t_j = t_i. Only queries that have an earlier copy are counted.

    The head_detector of TransformerLens counts all queries.
    """
    return on_earlier(block, earlier_copies(block))


def induction(block: Block) -> Tensor:
    """sum of A_ij over j < i with t_{j-1} = t_i: the tokens that followed an earlier copy (Olsson et al. 2022).

    Only queries with such a key are counted. In "a a", the key would be the query itself, which does not count.
    """
    return on_earlier(block, followers_of_copies(block))


def earlier_copies(block: Block) -> Tensor:
    """[i j], True where j < i and t_j = t_i, and the query is not a special token."""
    same = block.of_keys(block.text.ids) == block.of_queries(block.text.ids)
    return same & (block.keys < block.queries) & ~block.of_queries(block.text.special)


def followers_of_copies(block: Block) -> Tensor:
    """[i j], True where j < i and t_{j-1} = t_i, and the query is not a special token."""
    same = block.of_keys(block.text.ids.roll(1)) == block.of_queries(block.text.ids)
    earlier = (block.keys > 0) & (block.keys < block.queries)  # no token precedes key 0
    return same & earlier & ~block.of_queries(block.text.special)


def on_earlier(block: Block, chosen: Tensor) -> Tensor:
    """[i j] -> [h i], the mass on the chosen keys. A query is counted if it has such a key."""
    return block.only(block.mass_on(chosen), chosen.any(-1))
