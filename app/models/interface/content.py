"""Products of queries or keys with positions, which DeBERTa adds to the scores (He et al. 2021, eq. 4).

The model multiplies them with a table of relative positions, and gathers, for each query and key, the product with the
position of their distance. `LazyContent` follows these steps without the square of all pairs.

Axis letters: h head, r row, c column, t relative position, d width of a head.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...attention.bias import ByContent
from ...attention.row_blocks import row_blocks
from .lazy_tensor import LazyTensor, real


@dataclass(frozen=True, eq=False)
class Positions:
    """products[h, r, c] = (rows[h, r] . table[h, index[c - r + number of rows - 1]]) * scale.

    rows: [h r d], queries or keys; table: [h t d]; index: [distance]
    of_keys: the rows are keys and the columns are queries; the products are the transposed ones
    """

    rows: Tensor
    table: Tensor
    index: Tensor
    scale: float = 1.0
    of_keys: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the products [h i j], or [h j i] before they are transposed."""
        rows, columns = self.rows.shape[1], len(self.index) - self.rows.shape[1] + 1
        return (len(self.rows), columns, rows) if self.of_keys else (len(self.rows), rows, columns)

    def numbers(self) -> Tensor:
        rows = self.rows.shape[1]
        columns = len(self.index) - rows + 1
        which = self.index.unfold(0, columns, 1).flip(0).expand(len(self.rows), -1, -1)
        found = torch.bmm(self.rows, self.table.mT).gather(-1, which) * self.scale
        return found.mT if self.of_keys else found


class LazyContent(LazyTensor):
    """A tensor [... r c]: the sum of products with positions.

    changed: its numbers after an operation in place that is not followed; `parts` are empty then
    """

    parts: tuple[Positions, ...]
    changed: Tensor | None = None

    @staticmethod
    def __new__(cls, parts: tuple[Positions, ...], shape: Sequence[int]) -> "LazyContent":
        x = parts[0].rows
        made: LazyContent = Tensor._make_wrapper_subclass(cls, tuple(shape), dtype=x.dtype, device=x.device)
        made.parts = parts
        return made

    def numbers(self) -> Tensor:
        return sum_of(self.parts).view(self.shape) if self.changed is None else self.changed

    def become(self, found: Tensor) -> None:
        self.parts, self.changed = (found.parts, None) if isinstance(found, LazyContent) else ((), real(found))

    def of(self, parts: Sequence[Positions]) -> "LazyContent | None":
        """A tensor of the same shape; None if its parts are not known."""
        return LazyContent(tuple(parts), self.shape) if parts else None

    def times(self, factor: float) -> "LazyContent | None":
        return self.of([replace(part, scale=part.scale * factor) for part in self.parts])

    def plus(self, other: "LazyContent") -> "LazyContent | None":
        return (
            self.of([*self.parts, *other.parts]) if self.parts and other.parts and self.shape == other.shape else None
        )

    def transposed(self) -> "LazyContent | None":
        """Products with keys, for queries in rows."""
        if not self.parts or any(part.of_keys for part in self.parts):
            return None
        parts = tuple(replace(part, of_keys=True) for part in self.parts)
        return LazyContent(parts, (*self.shape[:-2], self.shape[-1], self.shape[-2]))


def sum_of(parts: Sequence[Positions]) -> Tensor:
    found = parts[0].numbers()
    for part in parts[1:]:
        found = found + part.numbers()
    return found


def gathered(rows: Tensor, table: Tensor, index: Tensor, shape: Sequence[int]) -> LazyContent | None:
    """(rows @ table.mT).gather(-1, index); None unless `index` depends on the distance of row and column alone."""
    if any(size > 1 and stride for size, stride in zip(index.shape[:-2], index.stride()[:-2], strict=True)):
        return None  # it differs from head to head
    which = index[(0,) * (index.ndim - 2)]
    found = by_distance(which) if len(which) == rows.shape[1] else None
    return None if found is None else LazyContent((Positions(rows, table, found),), (*shape[:-1], which.shape[-1]))


def by_distance(index: Tensor) -> Tensor | None:
    """index[r, c] -> index[distance c - r], from the largest r to the largest c; None if that is not all of it."""
    found = torch.cat([index[1:, 0].flip(0), index[0]])
    windows = found.unfold(0, index.shape[1], 1)  # that of the last row comes first
    for rows in row_blocks(len(index)):
        first = len(index) - rows.stop
        if not torch.equal(windows[first : first + len(rows)].flip(0), index[rows.start : rows.stop]):
            return None
    return found


def as_bias(parts: Sequence[Positions], q: Tensor, k: Tensor) -> ByContent | None:
    """The bias of scores of q [h i d] and k [h j d]. None if the rows of a part are no multiple of q or of k."""
    tables: dict[bool, Tensor] = {}
    indices = []
    for part in parts:
        factor = multiple(part.rows, k if part.of_keys else q)
        if factor is None or part.of_keys in tables:
            return None
        tables[part.of_keys] = part.table * (part.scale * factor)
        indices.append(part.index.flip(0) if part.of_keys else part.index)
    if not all(torch.equal(each, indices[0]) for each in indices):
        return None
    return ByContent(tables.get(False), tables.get(True), indices[0], q.shape[1], 1.0)


def multiple(x: Tensor, of: Tensor) -> float | None:
    """The number r with x = r * of, as exactly as their data type is; None if there is none."""
    if x.shape != of.shape:
        return None
    if x.data_ptr() == of.data_ptr() and x.stride() == of.stride():
        return 1.0
    largest = of.abs().argmax()
    factor = (x.flatten()[largest] / of.flatten()[largest]).item()
    wrong = (x - of * factor).abs().max()
    return factor if wrong <= 4 * torch.finfo(x.dtype).eps * x.abs().max() else None
