"""Multi-head attention, from scratch.

Axis letters: b batch, h query head, g key/value head, i query, j key, d width of a head, m width of the stream.
"""

import torch
from torch import Tensor, nn

from ..errors import ShapeMismatch
from .config import AttentionConfig
from .hooks import HookPoint
from .kernels import attend, attend_fused
from .masks import MayAttend


class MultiHeadAttention(nn.Module):
    """Multi-head attention (Vaswani et al. 2017, sec. 3.2.2); grouped- and multi-query with fewer key/value heads.

    Each step is a hook point (`hooks.SHAPES`). The fused kernel runs, and no map is held, unless `scores` or
    `pattern` has a hook; then every step is computed explicitly.
    """

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__()
        self.config = config
        wide, narrow = config.heads * config.head_dim, config.kv_heads * config.head_dim
        self.project_q = nn.Linear(config.d_model, wide, config.bias)
        self.project_k = nn.Linear(config.d_source, narrow, config.bias)
        self.project_v = nn.Linear(config.d_source, narrow, config.bias)
        self.project_out = nn.Linear(wide, config.d_model, config.bias)
        self.q, self.k, self.v = HookPoint(), HookPoint(), HookPoint()
        self.scores, self.pattern, self.lse = HookPoint(), HookPoint(), HookPoint()
        self.z, self.result = HookPoint(), HookPoint()

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
        q = self.q(self.split(self.project_q(x)))
        k = self.k(self.split(self.project_k(source)))
        v = self.v(self.split(self.project_v(source)))
        rules = self.config.causal, self.config.window, padding, given
        z = self.z(self.attention(q, k, v, MayAttend(x.shape[1], source.shape[1], *rules)))
        return self.merge(z)

    def attention(self, q: Tensor, k: Tensor, v: Tensor, may_attend: MayAttend) -> Tensor:
        """[b h i d], [b g j d], [b g j d] -> z [b h i d]; explicit if `scores` or `pattern` has a hook."""
        scale = self.config.scale
        if self.scores.watched or self.pattern.watched:
            steps = {"scores_step": self.scores, "pattern_step": self.pattern}
            z, lse = attend(q, k, v, may_attend, scale, **steps)
        else:
            z, lse = attend_fused(q, k, v, may_attend, scale)
        self.lse(lse)
        return z

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
