"""What a query gives to what stood there before. [h i j] -> [h i]; n tokens, t_i the id of the i-th."""

from torch import Tensor

from .block import Block


def duplicate(block: Block) -> Tensor:
    """sum of A_ij over j < i with t_j = t_i; only queries that have an earlier copy are counted.

    TransformerLens, head_detector, counts all.
    """
    return on_earlier(block, earlier_copies(block))


def induction(block: Block) -> Tensor:
    """sum of A_ij over j < i with t_{j-1} = t_i: what followed an earlier copy (Olsson et al. 2022).

    Only queries with such a key are counted. In "a a" the key would be the query itself: none.
    """
    return on_earlier(block, followers_of_copies(block))


def earlier_copies(block: Block) -> Tensor:
    """[i j], True where j < i and t_j = t_i; what the tokenizer puts in is nobody's copy."""
    same = block.of_keys(block.text.ids) == block.of_queries(block.text.ids)
    return same & (block.keys < block.queries) & ~block.of_queries(block.text.special)


def followers_of_copies(block: Block) -> Tensor:
    """[i j], True where j < i and t_{j-1} = t_i."""
    same = block.of_keys(block.text.ids.roll(1)) == block.of_queries(block.text.ids)
    earlier = (block.keys > 0) & (block.keys < block.queries)  # before the first there is none
    return same & earlier & ~block.of_queries(block.text.special)


def on_earlier(block: Block, chosen: Tensor) -> Tensor:
    """[i j] -> [h i], the mass on the chosen keys; counted where there is one."""
    return block.only(block.mass_on(chosen), chosen.any(-1))
