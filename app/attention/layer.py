"""Multi-head attention, from scratch.

Axis letters: b batch, h query head, g key/value head, i query, j key, d width of a head, m width of the stream.
"""

import torch
from torch import Tensor, nn

from ..errors import ShapeMismatch
from .config import AttentionConfig
from .core import Core
from .hooks import HookPoint
from .rules import Rule, banded
from .terms import Terms


class MultiHeadAttention(nn.Module):
    """Multi-head attention (Vaswani et al. 2017, sec. 3.2.2); grouped- and multi-query with fewer key/value heads.

    Four projections around a `Core`, which computes attention and has the hook points.
    """

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__()
        self.config = config
        wide, narrow = config.heads * config.head_dim, config.kv_heads * config.head_dim
        self.project_q = nn.Linear(config.d_model, wide, config.bias)
        self.project_k = nn.Linear(config.d_source, narrow, config.bias)
        self.project_v = nn.Linear(config.d_source, narrow, config.bias)
        self.project_out = nn.Linear(wide, config.d_model, config.bias)
        self.core = Core()
        self.result = HookPoint()

    def forward(
        self,
        x: Tensor,
        source: Tensor | None = None,
        *,
        padding: Tensor | None = None,
        given: Tensor | None = None,
    ) -> Tensor:
        """x [b i m] (and for cross-attention source [b j s]) -> [b i m].

        padding: [b j], True: a real token; given: [b or 1, h or 1, i, j], True: the query may attend to the key.
        Raises ShapeMismatch if sizes do not fit.
        """
        source = x if source is None else source
        self.check(x, source)
        q, k = self.split(self.project_q(x)), self.split(self.project_k(source))
        v = self.split(self.project_v(source))
        rule = self.rule(x.shape[1], source.shape[1]).and_padding(padding).and_mask(given)
        return self.merge(self.core(q, k, v, Terms(rule, self.config.scale)))

    def rule(self, queries: int, keys: int) -> Rule:
        """Which query may attend to which key, by the configuration alone."""
        config = self.config
        before = after = None if config.window is None else config.window - 1
        return banded(queries, keys, before=before, after=0 if config.causal else after)

    def split(self, x: Tensor) -> Tensor:
        """[b i (h d)] -> [b h i d]."""
        b, i, width = x.shape
        return x.view(b, i, width // self.config.head_dim, self.config.head_dim).transpose(1, 2)

    def merge(self, z: Tensor) -> Tensor:
        """[b h i d] -> [b i m]: the output projection, one head at a time if `result` has a hook."""
        if not self.result.watched:
            merged: Tensor = self.project_out(z.transpose(1, 2).flatten(-2))
            return merged
        weight = self.project_out.weight.view(self.config.d_model, self.config.heads, self.config.head_dim)
        by_head: Tensor = self.result(torch.einsum("bhid,mhd->bhim", z, weight))
        return by_head.sum(1) + (self.project_out.bias if self.config.bias else 0)

    def check(self, x: Tensor, source: Tensor) -> None:
        wanted_x, wanted_source = f"[b i {self.config.d_model}]", f"[b j {self.config.d_source}]"
        if x.ndim != 3 or x.shape[-1] != self.config.d_model:
            raise ShapeMismatch(f"x is {list(x.shape)}, this layer reads {wanted_x}")
        if source.ndim != 3 or source.shape[-1] != self.config.d_source or source.shape[0] != x.shape[0]:
            raise ShapeMismatch(
                f"source is {list(source.shape)}, this layer reads {wanted_source} with b of x {list(x.shape)}"
            )
