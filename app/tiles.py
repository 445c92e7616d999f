"""Capture -> any window of any head at any resolution, and thumbnails of all heads.

Axis letters: l layer, h head, i query row, j key column.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .capture import Capture, LayerCapture
from .errors import InvalidWindow
from .records import Pool, Quantity

# Rows worked out at once; pooled windows of any height then need no more memory than this many rows.
ROWS_PER_BLOCK = 512


@dataclass(frozen=True)
class Window:
    """Rows and columns of a map, and how many of them one cell of the answer covers."""

    rows: range
    columns: range
    query_step: int
    key_step: int


def window(size: int, rows: tuple[int, int] | None, columns: tuple[int, int] | None, cells: int | None) -> Window:
    """The window asked for, by default the whole map; at most cells x cells. Raises InvalidWindow."""
    spans = []
    for name, span in (("rows", rows), ("columns", columns)):
        start, stop = span or (0, size)
        if not 0 <= start < stop <= size:
            raise InvalidWindow(f"{name}={start}:{stop}: take a:b with 0 <= a < b <= {size}, the number of tokens")
        spans.append(range(start, stop))
    if cells is not None and cells < 1:
        raise InvalidWindow(f"cells={cells}: take 1 or more")
    query_step, key_step = (1 if cells is None else -(-len(span) // cells) for span in spans)
    return Window(spans[0], spans[1], query_step, key_step)


@torch.inference_mode()
def head_tile(
    capture: Capture, layer: int, head: int, part: Window, pool: Pool = "max", quantity: Quantity = "pattern"
) -> np.ndarray:
    """One head, [query key]; cells of a window with steps above 1 are the max or mean of what they cover."""
    capture.card.check_head(layer, head)
    return pooled(capture.layers[layer], range(head, head + 1), part, pool, quantity)[0].cpu().numpy()


@torch.inference_mode()
def overview(capture: Capture, cells: int, pool: Pool = "max") -> tuple[np.ndarray, Window]:
    """Every head as a thumbnail of at most cells x cells, [layer head query key], and the window they show."""
    part = window(len(capture.tokens), None, None, cells)
    every = range(capture.heads)
    maps = [pooled(layer, every, part, pool, "pattern").cpu().numpy() for layer in capture.layers]
    return np.stack(maps), part


@torch.inference_mode()
def whole(capture: Capture, layers: list[int], heads: list[int], quantity: Quantity) -> np.ndarray:
    """The maps of the chosen layers and heads, whole, [layer head query key]."""
    part = window(len(capture.tokens), None, None, None)
    size = len(capture.tokens)
    maps = np.empty((len(layers), len(heads), size, size), dtype=np.float32)
    for l, layer in enumerate(layers):
        for h, head in enumerate(heads):
            maps[l, h] = head_tile(capture, layer, head, part, quantity=quantity)
    return maps


def pooled(layer: LayerCapture, heads: range, part: Window, pool: Pool, quantity: Quantity) -> Tensor:
    """[heads, query cells, key cells], a block of rows at a time."""
    steps = (part.query_step, part.key_step)
    height = max(1, ROWS_PER_BLOCK // part.query_step) * part.query_step
    blocks = []
    for start in range(part.rows.start, part.rows.stop, height):
        rows = range(start, min(start + height, part.rows.stop))
        block = layer.block(heads, rows, part.columns, quantity)
        blocks.append(block if steps == (1, 1) else shrink(block, steps, pool))
    return torch.cat(blocks, 1)


def shrink(block: Tensor, steps: tuple[int, int], pool: Pool) -> Tensor:
    """[h i j] -> [h ceil(i / step) ceil(j / step)]; a cell at the edge pools what there is of it."""
    if pool == "max":
        return torch.nn.functional.max_pool2d(block, steps, ceil_mode=True)
    return torch.nn.functional.avg_pool2d(block, steps, ceil_mode=True, count_include_pad=False)
