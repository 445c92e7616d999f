"""The row scores of all heads of a capture, computed in blocks of rows.

Axis letters: s score, l layer, h head, i query row.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..capture.capture import Capture
from ..records import NO_PROGRESS, Progress
from .blocks import add_blocks, of_layer, texts_for
from .formulas.block import Block
from .table import RowScore


def bytes_per_query(numbers: int) -> int:
    """The most memory that so many scores need: in blocks, in layers, and together."""
    return 3 * 4 * numbers


@torch.inference_mode()
def per_query(capture: Capture, scores: Sequence[RowScore], progress: Progress = NO_PROGRESS) -> np.ndarray:
    """[s l h i], NaN where a query is not counted, or a layer does not have the head."""
    texts = texts_for(capture)
    layers = [
        torch.cat([of_block(block, scores) for block in of_layer(layer, texts, progress)], -1)
        for layer in capture.layers
    ]
    return capture.in_grid(layers, 1).cpu().numpy()


@torch.inference_mode()
def per_head(capture: Capture, scores: Sequence[RowScore], progress: Progress = NO_PROGRESS) -> np.ndarray:
    """[s l h], the mean over the counted queries; NaN where there is none."""
    sums = [ScoreSums(scores, layer.heads) for layer in capture.layers]
    add_blocks(capture, sums, progress=progress)
    return means_of(capture, sums)


class ScoreSums:
    """The sum of each score over the counted queries of a layer, and their number: [s h] each."""

    def __init__(self, scores: Sequence[RowScore], heads: int) -> None:
        self.scores = scores
        self.total = torch.zeros(len(scores), heads, dtype=torch.float64)
        self.counted = torch.zeros_like(self.total)

    def add(self, block: Block) -> None:
        found = of_block(block, self.scores)
        self.total += found.nansum(-1, dtype=torch.float64).cpu()
        self.counted += (~found.isnan()).sum(-1).cpu()


def means_of(capture: Capture, layers: Sequence[ScoreSums]) -> np.ndarray:
    """[s l h], the means of all layers."""
    return capture.in_grid([layer.total / layer.counted for layer in layers], 1).numpy()


def of_block(block: Block, scores: Sequence[RowScore]) -> Tensor:
    """[s h i]."""
    return torch.stack([block.nothing if block.is_cross and score.within else score.of(block) for score in scores])


def ranks(values: np.ndarray) -> np.ndarray:
    """[s l h] -> the rank of each head in the model. The highest value has rank 1, and equal values share a rank."""
    found = np.full(values.shape, np.nan, np.float32)
    for score, rank in zip(values, found, strict=True):
        known = ~np.isnan(score)
        rank[known] = 1 + known.sum() - np.searchsorted(np.sort(score[known]), score[known], "right")
    return found
