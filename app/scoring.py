"""Capture -> the row scores of all its heads, a block of rows at a time: however long, little more memory is taken.

Axis letters: s score, l layer, h head, i query row.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from .analysis.block import Block, Text, text_of
from .analysis.table import RowScore
from .capture import Capture, LayerCapture

# Weights worked out at once: 8 MB of them, and a few times that while they are scored.
WEIGHTS_PER_BLOCK = 2**21


def nothing() -> None:
    pass


@torch.inference_mode()
def per_query(capture: Capture, scores: Sequence[RowScore], go_on: Callable[[], None] = nothing) -> np.ndarray:
    """[s l h i], not a number where a query is not counted. `go_on` is asked before each block, and may raise."""
    text = text_for(capture)
    layers = [torch.cat(list(of_blocks(layer, text, scores, go_on)), -1) for layer in capture.layers]
    return torch.stack(layers, 1).cpu().numpy()


@torch.inference_mode()
def per_head(capture: Capture, scores: Sequence[RowScore], go_on: Callable[[], None] = nothing) -> np.ndarray:
    """[s l h], the mean over the queries that are counted; not a number where none is."""
    means, text = [], text_for(capture)
    for layer in capture.layers:
        total = torch.zeros(len(scores), capture.heads, dtype=torch.float64)
        counted = torch.zeros_like(total)
        for found in of_blocks(layer, text, scores, go_on):
            total += found.nansum(-1, dtype=torch.float64).cpu()
            counted += (~found.isnan()).sum(-1).cpu()
        means.append(total / counted)
    return torch.stack(means, 1).numpy()


def text_for(capture: Capture) -> Text:
    """The same for all layers."""
    layer = capture.layers[0]
    return text_of(capture.tokens, layer.config.causal, layer.q.device)


def of_blocks(
    layer: LayerCapture, text: Text, scores: Sequence[RowScore], go_on: Callable[[], None]
) -> Iterator[Tensor]:
    """[s h i], block by block of queries."""
    size, heads = len(text.ids), range(layer.config.heads)
    height = max(1, WEIGHTS_PER_BLOCK // (len(heads) * size))
    for start in range(0, size, height):
        go_on()
        rows = range(start, min(start + height, size))
        keys = range(rows.stop if layer.config.causal else size)
        block = Block(layer.block(heads, rows, keys), rows, text)
        yield torch.stack([score.of(block) for score in scores])


def ranks(values: np.ndarray) -> np.ndarray:
    """[s l h] -> how many heads of the model have more, and one: 1 is the most; those alike share a rank."""
    found = np.full(values.shape, np.nan, np.float32)
    for score, rank in zip(values, found, strict=True):
        known = ~np.isnan(score)
        rank[known] = 1 + known.sum() - np.searchsorted(np.sort(score[known]), score[known], "right")
    return found
