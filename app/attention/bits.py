"""A mask that is no interval of keys for each query, one bit for each cell.

Axis letters: b batch, h head, i query row, j key column.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

BITS = 8


@dataclass(frozen=True, eq=False)
class Bits:
    """packed: [b or 1, h or 1, i, ceil(j / 8)] uint8, the lowest bit first; keys: the number of columns j."""

    packed: Tensor
    keys: int

    @classmethod
    def of(cls, blocks: Sequence[Tensor]) -> "Bits":
        """From a mask in blocks of rows, bool [b or 1, h or 1, rows, j]."""
        return cls(torch.cat([pack(block) for block in blocks], 2), blocks[0].shape[-1])

    @property
    def shape(self) -> tuple[int, ...]:
        return (*self.packed.shape[:-1], self.keys)

    @property
    def bytes(self) -> int:
        return self.packed.numel()

    @property
    def squares(self) -> list[Tensor]:
        """The tensors whose memory grows with the product of queries and keys."""
        return [self.packed]

    def of_heads(self, heads: range) -> "Bits":
        return Bits(self.packed[:, heads.start : heads.stop], self.keys)

    def block(self, rows: range, columns: range) -> Tensor:
        """bool [b or 1, h or 1, len(rows), len(columns)]."""
        first, last = columns.start // BITS, -(-columns.stop // BITS)
        some = self.packed[:, :, rows.start : rows.stop, first:last]
        unpacked = (some[..., None] >> places(some) & 1).bool().flatten(-2)
        return unpacked[..., columns.start - first * BITS : columns.stop - first * BITS]


def pack(mask: Tensor) -> Tensor:
    """bool [... j] -> uint8 [... ceil(j / 8)]."""
    padded = torch.nn.functional.pad(mask, (0, -mask.shape[-1] % BITS))
    of_bytes = padded.view(*mask.shape[:-1], -1, BITS).to(torch.uint8)
    return (of_bytes << places(mask)).sum(-1, dtype=torch.uint8)


def places(like: Tensor) -> Tensor:
    return torch.arange(BITS, dtype=torch.uint8, device=like.device)
