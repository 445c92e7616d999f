"""What a query gives to tokens that say little: the first, special ones, punctuation. [h i j] -> [h i]."""

import torch
from torch import Tensor

from .block import Block


def first(block: Block) -> Tensor:
    """A_{i,0}; of a causal model without row 0, which can look nowhere else (Xiao et al. 2023; Gu et al. 2024)."""
    return block.only(block.weights[..., 0], counted_for_first(block.queries[:, 0], block.text.causal))


def counted_for_first(queries: Tensor, causal: bool) -> Tensor:
    """Positions [i] -> [i], True for the queries whose weight on the first token means something: see first()."""
    return queries > 0 if causal else torch.ones_like(queries, dtype=torch.bool)


def delimiter(block: Block) -> Tensor:
    """The mass on [CLS] and [SEP], or whatever the tokenizer put in (Clark et al. 2019)."""
    return mass_on_some(block, block.text.special)


def punctuation(block: Block) -> Tensor:
    """The mass on punctuation (Clark et al. 2019)."""
    return mass_on_some(block, block.text.punctuation)


def mass_on_some(block: Block, chosen: Tensor) -> Tensor:
    """What each query gives to the chosen tokens, [n] -> [h i]; counted where it sees one of them."""
    if not chosen.any():
        return block.nothing
    return block.only(block.mass_on(block.of_keys(chosen)), block.sees(chosen))
