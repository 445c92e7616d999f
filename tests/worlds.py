"""Small worlds for the attention tests."""

import torch

from app.attention.config import AttentionConfig
from app.attention.layer import MultiHeadAttention


def qkv(batch=2, heads=4, kv_heads=4, queries=9, keys=9, width=8, dtype=torch.float64, seed=0):
    make = torch.Generator().manual_seed(seed)
    q = torch.randn(batch, heads, queries, width, dtype=dtype, generator=make)
    k, v = (torch.randn(batch, kv_heads, keys, width, dtype=dtype, generator=make) for _ in range(2))
    return q, k, v


def layer(d_model=24, heads=4, dtype=torch.float64, seed=0, **options):
    """A layer with every parameter drawn afresh: torch starts biases small, and a forgotten one would not show."""
    made = MultiHeadAttention(AttentionConfig.of(d_model, heads, **options)).to(dtype)
    make = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=make, dtype=dtype) / 3)
    return made


def stream(batch=2, length=9, width=24, dtype=torch.float64, seed=1):
    return torch.randn(batch, length, width, dtype=dtype, generator=torch.Generator().manual_seed(seed))
