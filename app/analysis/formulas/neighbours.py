"""The weight of a query on its own token and on the tokens next to it. [h i j] -> [h i]."""

import torch
from torch import Tensor

from .block import Block


def previous(block: Block) -> Tensor:
    """A_{i,i-1}; not counted for the first token."""
    return at_offset(block, -1)


def self_weight(block: Block) -> Tensor:
    """A_{i,i}."""
    return at_offset(block, 0)


def next_weight(block: Block) -> Tensor:
    """A_{i,i+1}; not counted for the last token, nor in a causal model."""
    return at_offset(block, 1)


def at_offset(block: Block, offset: int) -> Tensor:
    """A_{i,i+offset}. A query is counted if there is such a key and it can see it."""
    keys = block.queries + offset
    last = block.weights.shape[-1] - 1
    found = block.weights.gather(-1, keys.clamp(0, last).expand(block.weights.shape[0], -1, -1))[..., 0]
    seen = (keys >= 0) & (keys < len(block.text.ids))
    if block.text.causal and offset > 0:
        seen = torch.zeros_like(seen)
    return block.only(found, seen[:, 0])
