"""What a query gives to itself and to the tokens beside it. [h i j] -> [h i]."""

import torch
from torch import Tensor

from .block import Block


def previous(block: Block) -> Tensor:
    """A_{i,i-1}; the first token has none."""
    return beside(block, -1)


def own(block: Block) -> Tensor:
    """A_{i,i}."""
    return beside(block, 0)


def following(block: Block) -> Tensor:
    """A_{i,i+1}; the last token has none, and no query of a causal model sees it."""
    return beside(block, 1)


def beside(block: Block, offset: int) -> Tensor:
    """A_{i,i+offset}, counted where there is such a key that may be seen."""
    places = block.queries + offset
    last = block.weights.shape[-1] - 1
    found = block.weights.gather(-1, places.clamp(0, last).expand(block.weights.shape[0], -1, -1))[..., 0]
    seen = (places >= 0) & (places < len(block.text.ids))
    if block.text.causal and offset > 0:
        seen = torch.zeros_like(seen)
    return block.only(found, seen[:, 0])
