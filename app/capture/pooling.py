"""Maps pooled into cells, block by block: a window of any size needs little more memory than its result."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..records import NO_PROGRESS, Pool, Progress, WindowQuantity
from .layer import Cells, LayerCapture

# Weights computed at once: 8 MB, or one row if that is more.
WEIGHTS_PER_BLOCK = 2**21


@dataclass(frozen=True)
class Window:
    """Rows and columns of a map, and how many of them one cell of the result covers."""

    rows: range
    columns: range
    query_step: int
    key_step: int

    @property
    def cells(self) -> int:
        return -(-len(self.rows) // self.query_step) * -(-len(self.columns) // self.key_step)


def pooled(
    layer: LayerCapture,
    heads: range,
    part: Window,
    pool: Pool,
    quantity: WindowQuantity,
    progress: Progress = NO_PROGRESS,
    normalised: bool = True,
) -> Tensor:
    """[heads, query cells, key cells], exact for any size of window; one block of rows is held at a time."""
    # exp is monotonic: of all the weights that a cell covers, only the largest needs it.
    late = pool == "max" and quantity == "pattern"
    largest_bias = pool == "max" and quantity == "bias"  # of the cells that are not masked; it can be negative

    def read(rows: range) -> Tensor | None:
        columns = visible_columns(layer, rows, part.columns, quantity)
        if largest_bias:
            return layer.bias(heads, rows, columns, masked=-torch.inf)
        cells: Cells = "log_pattern" if late else quantity
        return layer.block(heads, rows, columns, cells, normalised) if columns else None

    filled = pooled_blocks(read, len(heads), len(heads), part, pool, layer.q.device, progress)
    if largest_bias:
        filled.masked_fill_(filled.isneginf(), 0.0)
    return filled.exp_() if late else filled


def pooled_blocks(
    read: Callable[[range], Tensor | None],
    maps: int,
    at_once: int,
    part: Window,
    pool: Pool,
    device: torch.device,
    progress: Progress = NO_PROGRESS,
) -> Tensor:
    """[maps, query cells, key cells], pooled from blocks [maps rows columns] that `read` returns for ranges of rows.

    at_once: how many maps one call of `read` holds in memory
    A block may end before the window's last column; missing columns count as 0, or minus infinity where pool is max.
    """
    shape = maps, -(-len(part.rows) // part.query_step), -(-len(part.columns) // part.key_step)
    filled = torch.full(shape, -torch.inf if pool == "max" else 0.0, device=device)
    for rows in blocks(part, at_once):
        progress.check()
        block = read(rows)
        if block is not None:
            small = pool_axis(pool_axis(block, 1, part.query_step, pool), 2, part.key_step, pool)
            at = (rows.start - part.rows.start) // part.query_step
            cells = filled[:, at : at + small.shape[1], : small.shape[2]]
            cells.copy_(torch.maximum(cells, small)) if pool == "max" else cells.add_(small)
        progress.step()
    if pool == "mean":
        filled /= cell_counts(part, filled.device)
    return filled


def pooled_map(whole: np.ndarray, part: Window, pool: Pool) -> np.ndarray:
    """A window of a map [query key] that is already in memory."""
    rows, columns = part.rows, part.columns
    seen = torch.from_numpy(whole[None, rows.start : rows.stop, columns.start : columns.stop])
    small = pool_axis(pool_axis(seen, 1, part.query_step, pool), 2, part.key_step, pool)[0]
    return (small / cell_counts(part, small.device) if pool == "mean" else small).numpy()


def steps(part: Window, at_once: int) -> int:
    """The number of blocks in which that many maps are pooled together."""
    return sum(1 for _ in blocks(part, at_once))


def blocks(part: Window, heads: int) -> Iterator[range]:
    """The rows of the window, in ranges that each fill whole cells, or lie within one cell."""
    most = max(1, WEIGHTS_PER_BLOCK // (heads * len(part.columns)))
    height = most - most % part.query_step or most
    whole = len(part.rows) - len(part.rows) % part.query_step
    for first, last in ((0, whole), (whole, len(part.rows))):
        for start in range(first, last, max(height, part.query_step)):
            stop = min(start + max(height, part.query_step), last)
            for inner in range(start, stop, height):
                yield part.rows[inner : min(inner + height, stop)]


def visible_columns(layer: LayerCapture, rows: range, columns: range, quantity: WindowQuantity) -> range:
    """The part of `columns` that any of the rows may attend to: above the diagonal a causal map is zero."""
    if quantity in ("scores", "bias"):
        return columns
    return range(columns.start, max(columns.start, min(columns.stop, layer.visible(rows).stop)))


def pool_axis(block: Tensor, axis: int, step: int, pool: Pool) -> Tensor:
    """The maximum, or the sum, of every `step` elements along the axis; the last group may be shorter."""
    if step == 1:
        return block
    missing = -block.shape[axis] % step
    if missing and block.shape[axis] > step:
        padding = [0, 0] * (block.ndim - 1 - axis) + [0, missing]
        block = torch.nn.functional.pad(block, padding, value=-torch.inf if pool == "max" else 0.0)
    parts: Tensor = block.unflatten(axis, (-1, min(step, block.shape[axis])))  # type: ignore[no-untyped-call]
    return parts.amax(axis + 1) if pool == "max" else parts.sum(axis + 1)


def cell_counts(part: Window, device: torch.device) -> Tensor:
    """[query cells, key cells]: how many weights each cell covers; fewer at the edges."""
    sides = []
    for span, step in ((part.rows, part.query_step), (part.columns, part.key_step)):
        starts = torch.arange(0, len(span), step, device=device)
        sides.append((len(span) - starts).clamp(max=step))
    return sides[0][:, None] * sides[1]
