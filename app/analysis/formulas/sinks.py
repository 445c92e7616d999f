"""The weight on tokens that often serve as sinks: the first token, special tokens, punctuation. [h i j] -> [h i]."""

import torch
from torch import Tensor

from .block import Block


def first(block: Block) -> Tensor:
    """A_{i,0} (Xiao et al. 2023; Gu et al. 2024). In a causal model, query 0 is not counted: it sees no other key."""
    return block.only(block.weights[..., 0], counted_for_first(block.queries[:, 0], block.text.causal))


def counted_for_first(queries: Tensor, causal: bool) -> Tensor:
    """Positions [i] -> [i], True for the queries that are counted for `first`."""
    return queries > 0 if causal else torch.ones_like(queries, dtype=torch.bool)


def delimiter(block: Block) -> Tensor:
    """The mass on the special tokens that the tokenizer adds, as [CLS] and [SEP] (Clark et al. 2019)."""
    return mass_on_some(block, block.text.special)


def punctuation(block: Block) -> Tensor:
    """The mass on punctuation (Clark et al. 2019)."""
    return mass_on_some(block, block.text.punctuation)


def mass_on_some(block: Block, chosen: Tensor) -> Tensor:
    """The mass of each query on the chosen tokens, [n] -> [h i]. A query is counted if it can see one of them."""
    if not chosen.any():
        return block.nothing
    return block.only(block.mass_on(block.of_keys(chosen)), block.sees(chosen))
