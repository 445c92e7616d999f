"""Root mean square normalisation (Zhang and Sennrich 2019)."""

import torch
from torch import Tensor, nn

from .kernels import at_least_float32


class RMSNorm(nn.Module):
    """x / sqrt(mean(x ** 2) + eps) * (offset + weight), over the last axis; computed in float32 or wider."""

    def __init__(self, width: int, eps: float, offset: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((width,), 1 - offset))
        self.eps, self.offset = eps, offset

    def forward(self, x: Tensor) -> Tensor:
        """[... d] -> [... d]."""
        wide = at_least_float32(x)
        normal = wide * (wide.square().mean(-1, keepdim=True) + self.eps).rsqrt()
        return (normal * (self.offset + self.weight)).to(x)
