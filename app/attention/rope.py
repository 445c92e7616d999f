"""Rotary position embedding (Su et al. 2021): queries and keys are turned by angles that grow with their position.

The product of a query at position i and a key at position j then depends on i - j, but on no other function of i or j.
Axis letters: b batch, h head, i position, d width of a head, r pairs of numbers that are turned.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..errors import ShapeMismatch


@dataclass(frozen=True)
class Rotary:
    """A rotary position embedding.

    width:       how many numbers of a head are turned, from the first on
    base:        pair t turns by base ** (-2 t / width) radians from one position to the next
    interleaved: True: a pair is two neighbours, (x[2 t], x[2 t + 1]), as in the paper; False: (x[t], x[t + width / 2]),
                 as in GPT-NeoX and Llama
    """

    width: int
    base: float = 10_000.0
    interleaved: bool = False

    def __post_init__(self) -> None:
        if self.width < 2 or self.width % 2:
            raise ShapeMismatch(f"rotary width {self.width}: numbers are turned in pairs, take 2, 4, 6, ...")

    def turns(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Positions [b or 1, i] -> cos, sin [b or 1, i, r] of their angles.

        In float64 on the CPU: float32 would round an angle at position 8,192 by 0.0005.
        """
        pair = torch.arange(self.width // 2, dtype=torch.float64)
        angles = positions.cpu().double()[..., None] * self.base ** (-2 * pair / self.width)
        return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor, *, interleaved: bool) -> Tensor:
    """[b h i d], [b or 1, i, r] -> [b h i d], each pair (x, y) as (x cos - y sin, x sin + y cos).

    The numbers after the first 2 r stay as they are. Raises ShapeMismatch.
    """
    width = 2 * cos.shape[-1]
    if cos.shape != sin.shape or cos.ndim != 3 or cos.shape[1] != x.shape[2] or width > x.shape[-1]:
        raise ShapeMismatch(f"cos {list(cos.shape)} and sin {list(sin.shape)} do not turn [b h i d] {list(x.shape)}")
    cos, sin = cos[:, None].to(x), sin[:, None].to(x)
    both = cos.repeat_interleave(2, -1) if interleaved else torch.cat((cos, cos), -1)
    # One tensor of the size of x, with its strides: each further one takes longer to allocate than to compute.
    turned = x * pad(both, (0, x.shape[-1] - width), value=1.0)
    (x_first, x_second), (first, second) = (pairs(y, width, interleaved=interleaved) for y in (x, turned))
    first.addcmul_(x_second, sin, value=-1)
    second.addcmul_(x_first, sin)
    return turned


def pairs(x: Tensor, width: int, *, interleaved: bool) -> tuple[Tensor, Tensor]:
    """[b h i d] -> the first and the second number of each pair, views [b h i r]."""
    if interleaved:
        return x[..., 0:width:2], x[..., 1:width:2]
    return x[..., : width // 2], x[..., width // 2 : width]
