"""Single edges, each from a query of one head to a key, that are taken out of a mask.

Axis letters: b batch, h head, i query row, j key column, c edge.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ShapeMismatch
from .bits import Bits


@dataclass(frozen=True, eq=False)
class Cut:
    """A mask that is False at these edges, and beyond that what `beneath` says. Its memory grows with the edges.

    edges: [c 3] int64, head, query and key of each; size: heads, queries and keys
    Raises ShapeMismatch if an edge is outside.
    """

    edges: Tensor
    size: tuple[int, int, int]
    beneath: "Bits | Cut | None" = None

    def __post_init__(self) -> None:
        if self.edges.ndim != 2 or self.edges.shape[1] != 3 or self.edges.dtype != torch.int64:
            raise ShapeMismatch(f"edges {list(self.edges.shape)} are not [edge 3] int64: head, query and key of each")
        outside = ((self.edges < 0) | (self.edges >= torch.tensor(self.size, device=self.edges.device))).any(-1)
        if outside.any():
            edge = self.edges[outside][0].tolist()
            raise ShapeMismatch(f"edge {edge} is not one of {list(self.size)} heads, queries and keys")

    @property
    def shape(self) -> tuple[int, ...]:
        return (1 if self.beneath is None else self.beneath.shape[0], *self.size)

    @property
    def bytes(self) -> int:
        return self.edges.nbytes + (self.beneath.bytes if self.beneath else 0)

    @property
    def squares(self) -> list[Tensor]:
        return self.beneath.squares if self.beneath else []

    def of_heads(self, heads: range) -> "Cut":
        of, beneath = self.edges[:, 0], self.beneath
        some = self.edges[(of >= heads.start) & (of < heads.stop)] - self.edges.new_tensor([heads.start, 0, 0])
        if beneath is not None and beneath.shape[1] > 1:
            beneath = beneath.of_heads(heads)
        return Cut(some, (len(heads), *self.size[1:]), beneath)

    def block(self, rows: range, columns: range) -> Tensor:
        """bool [b or 1, h, len(rows), len(columns)]."""
        head, query, key = self.edges.T
        inside = (query >= rows.start) & (query < rows.stop) & (key >= columns.start) & (key < columns.stop)
        allowed = torch.ones(1, self.size[0], len(rows), len(columns), dtype=torch.bool, device=self.edges.device)
        allowed[0, head[inside], query[inside] - rows.start, key[inside] - columns.start] = False
        return allowed if self.beneath is None else allowed & self.beneath.block(rows, columns)
