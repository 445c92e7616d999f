"""Any window of any head of a capture, at any resolution, and thumbnails of all heads.

Axis letters: l layer, h head, i query row, j key column.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np
import torch
from torch import Tensor

from ..errors import InvalidWindow
from ..records import NO_PROGRESS, Bend, Pool, Progress, WindowQuantity
from .capture import Capture
from .layer import Cells, LayerCapture

# Weights computed at once: 8 MB, or one row if that is more. A window of any size needs little more memory than that
# and its own result.
WEIGHTS_PER_BLOCK = 2**21
# Maps are written in chunks of 1 MB, so that a slow client holds no more than that.
WEIGHTS_PER_CHUNK = 2**18


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


def window(
    size: int,
    rows: tuple[int, int] | None,
    columns: tuple[int, int] | None,
    cells: int | None,
    keys: int | None = None,
) -> Window:
    """The window of these rows and columns (None: all), in at most cells x cells. Raises InvalidWindow.

    size: the number of queries; keys: the number of keys, if it differs
    """
    spans = []
    sizes = size, size if keys is None else keys
    for name, span, most in zip(("rows", "columns"), (rows, columns), sizes, strict=True):
        start, stop = span or (0, most)
        if not 0 <= start < stop <= most:
            raise InvalidWindow(f"{name}={start}:{stop}: take a:b with 0 <= a < b <= {most}, the number of tokens")
        spans.append(range(start, stop))
    if cells is not None and cells < 1:
        raise InvalidWindow(f"cells={cells}: take 1 or more")
    query_step, key_step = (1 if cells is None else -(-len(span) // cells) for span in spans)
    return Window(spans[0], spans[1], query_step, key_step)


def whole(capture: Capture, cells: int | None = None) -> Window:
    """All queries and keys of the stack that is looked at."""
    return window(len(capture.queries), None, None, cells, len(capture.keys))


@torch.inference_mode()
def head_window(
    capture: Capture,
    layer: int,
    head: int,
    part: Window,
    pool: Pool = "max",
    quantity: WindowQuantity = "pattern",
    progress: Progress = NO_PROGRESS,
) -> np.ndarray:
    """One head, [query key]; a cell that covers several weights is their maximum or mean. Raises UnknownHead."""
    capture.check_head(layer, head)
    return pooled(capture.of_layer(layer), range(head, head + 1), part, pool, quantity, progress)[0].cpu().numpy()


@torch.inference_mode()
def overview(
    capture: Capture, cells: int, pool: Pool = "max", progress: Progress = NO_PROGRESS
) -> tuple[np.ndarray, Window]:
    """Every head in at most cells x cells, [layer head query key], and the window that is shown."""
    part = whole(capture, cells)
    maps = [pooled(layer, range(layer.heads), part, pool, "pattern", progress) for layer in capture.layers]
    return capture.in_grid(maps).cpu().numpy(), part


@torch.inference_mode()
def thumbnails(layer: LayerCapture, cells: int, bend: Bend = "linear", progress: Progress = NO_PROGRESS) -> np.ndarray:
    """Every head of a layer in at most cells x cells, [head query key] in 256 steps: 255 is a weight of 1.

    bend "sqrt" encodes square roots, which keeps small weights apart: step 1 is 1.5e-5 instead of 4e-3.
    """
    part = window(layer.q.shape[1], None, None, cells, layer.k.shape[1])
    maps = pooled(layer, range(layer.heads), part, "max", "pattern", progress, normalised=False)
    bent = maps.sqrt_() if bend == "sqrt" else maps
    return bent.mul_(255).round_().to(torch.uint8).cpu().numpy()


class Maps:
    """The maps of chosen layers and heads, [layer head query key], computed while they are iterated over."""

    dtype = np.dtype(np.float32)

    def __init__(self, capture: Capture, layers: list[int], heads: list[int], quantity: WindowQuantity) -> None:
        self.shape = (len(layers), len(heads), len(capture.queries), len(capture.keys))
        self.capture, self.layers, self.heads, self.quantity = capture, layers, heads, quantity

    def __iter__(self) -> Iterator[np.ndarray]:
        """Blocks [rows key]: all rows of a head, then the next head, then the next layer."""
        height = max(1, WEIGHTS_PER_CHUNK // self.shape[-1])
        for layer, head in product(self.layers, self.heads):
            if not self.capture.stack.has_head(layer, head):
                yield from without_head(self.shape[-2:], height)
                continue
            for _, weights in row_blocks(self.capture, layer, head, self.quantity, height):
                yield weights.astype(self.dtype, copy=False)


def without_head(shape: tuple[int, int], height: int) -> Iterator[np.ndarray]:
    """NaN instead of the map of a head that a layer does not have, in blocks of rows."""
    queries, keys = shape
    for start in range(0, queries, height):
        yield np.full((min(height, queries - start), keys), np.nan, Maps.dtype)


class WindowRows:
    """A window of one head, [query key], computed while it is iterated over; see `head_window`."""

    dtype = np.dtype(np.float32)

    def __init__(
        self,
        capture: Capture,
        layer: int,
        head: int,
        part: Window,
        pool: Pool = "max",
        quantity: WindowQuantity = "pattern",
    ) -> None:
        self.shape = (-(-len(part.rows) // part.query_step), -(-len(part.columns) // part.key_step))
        self.part = part
        self.compute = partial(head_window, capture, layer, head, pool=pool, quantity=quantity)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Blocks [rows key] that are computed from at most WEIGHTS_PER_BLOCK weights each, or of one row."""
        rows, step = self.part.rows, self.part.query_step
        at_once = min(WEIGHTS_PER_BLOCK // (len(self.part.columns) * step), WEIGHTS_PER_CHUNK // self.shape[1])
        height = max(1, at_once) * step
        for start in range(0, len(rows), height):
            part = replace(self.part, rows=rows[start : start + height])
            yield self.compute(part).astype(self.dtype, copy=False)


def row_blocks(
    capture: Capture, layer: int, head: int, quantity: WindowQuantity, height: int
) -> Iterator[tuple[range, np.ndarray]]:
    """All rows of one head in blocks of `height`: which queries, and their weights [rows key]."""
    queries, keys = len(capture.queries), len(capture.keys)
    for start in range(0, queries, height):
        part = window(queries, (start, min(start + height, queries)), None, None, keys)
        yield part.rows, head_window(capture, layer, head, part, quantity=quantity)


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

    def read(rows: range) -> Tensor | None:
        columns = visible_columns(layer, rows, part.columns, quantity)
        cells: Cells = "log_pattern" if late else quantity
        return layer.block(heads, rows, columns, cells, normalised) if columns else None

    filled = pooled_blocks(read, len(heads), len(heads), part, pool, layer.q.device, progress)
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
