"""Any window of any head of a capture, at any resolution, and thumbnails of all heads.

Axis letters: l layer, h head, i query row, j key column.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
import torch

from ..errors import InvalidWindow
from ..records import NO_PROGRESS, Bend, Pool, Progress, WindowQuantity
from .capture import Capture
from .layer import LayerCapture
from .pooling import WEIGHTS_PER_BLOCK, Window, pooled

# Maps are written in chunks of 1 MB, so that a slow client holds no more than that.
WEIGHTS_PER_CHUNK = 2**18


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
