"""Multi-head attention, from scratch.

Axis letters: b batch, h query head, g key/value head, i query, j key, d width of a head, m width of the stream,
r pairs of numbers of a head that a rotary position embedding turns.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..errors import ShapeMismatch
from .bias import Bias, ByDistance
from .config import AttentionConfig
from .core import Core
from .hooks import HookPoint
from .norm import RMSNorm
from .rope import rotate
from .rules import Rule, banded
from .terms import Terms

KeysAndValues = tuple[Tensor, Tensor]
# keys [b g j d] and values [b g j e] of some tokens -> those of all tokens so far
Remember = Callable[[Tensor, Tensor], KeysAndValues]


class MultiHeadAttention(nn.Module):
    """Multi-head attention (Vaswani et al. 2017, sec. 3.2.2); grouped- and multi-query with fewer key/value heads.

    Four projections around a `Core`, which computes attention and has the hook points. By its config, queries and keys
    are normalised and turned by a rotary position embedding before that, or scores have a bias for their distance.
    """

    sinks: Tensor | None
    bias_of_buckets: Tensor | None

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__()
        self.config = config
        wide, narrow = config.heads * config.head_dim, config.kv_heads * config.head_dim
        self.project_q = nn.Linear(config.d_model, wide, "q" in config.bias)
        self.project_k = nn.Linear(config.d_source, narrow, "k" in config.bias)
        self.project_v = nn.Linear(config.d_source, narrow, "v" in config.bias)
        self.project_out = nn.Linear(wide, config.d_model, "out" in config.bias)
        self.norm_q, self.norm_k = self.new_norm(wide), self.new_norm(narrow)
        self.register_parameter("sinks", nn.Parameter(torch.zeros(config.heads)) if config.sinks else None)
        biases = None if config.buckets is None else nn.Parameter(torch.zeros(config.buckets.number, config.heads))
        self.register_parameter("bias_of_buckets", biases)
        self.core = Core()
        self.result = HookPoint()

    def new_norm(self, width: int) -> nn.Module:
        """The normalisation of queries or keys, whose heads are `width` wide together."""
        norm = self.config.norm
        if norm is None:
            return nn.Identity()
        return RMSNorm(self.config.head_dim if norm.over == "head" else width, norm.eps, norm.offset)

    def forward(  # noqa: PLR0913 - one argument a step that can be given
        self,
        x: Tensor,
        source: Tensor | None = None,
        *,
        padding: Tensor | None = None,
        given: Tensor | None = None,
        rule: Rule | None = None,
        turns: tuple[Tensor, Tensor] | None = None,
        bias: Bias | None = None,
        remember: Remember | None = None,
        known: KeysAndValues | None = None,
    ) -> Tensor:
        """x [b i m] (and for cross-attention source [b j s]) -> [b i m].

        padding:  [b j], True: a real token; given: [b or 1, h or 1, i, j], True: the query may attend to the key.
        rule:     which query may attend to which key, instead of what the config says
        turns:    cos and sin [b or 1, i, r] of the rotary angles, instead of those of positions 0, 1, ...
        bias:     is added to the scores, instead of the layer's own
        remember: adds the keys and values of x to those of earlier tokens, and returns all of them; `rule` and `turns`
                  are then those of the positions of x
        known:    keys and values that are computed already, instead of those of the source
        Raises ShapeMismatch if sizes do not fit.
        """
        source = x if source is None else source
        self.check(x, source)
        q = self.turned(self.normed(self.project_q(x), self.norm_q), turns)
        k, v = self.keys_and_values(source, turns) if known is None else known
        if remember is not None:
            k, v = remember(k, v)
        rule = self.rule(x.shape[1], k.shape[2]) if rule is None else rule
        bias = self.own_bias(x.shape[1], k.shape[2]) if bias is None else bias
        terms = Terms(
            rule.and_padding(padding).and_mask(given), self.config.scale, self.config.softcap, bias, self.sinks
        )
        return self.merge(self.core(q, k, v, terms))

    def keys_and_values(self, source: Tensor, turns: tuple[Tensor, Tensor] | None = None) -> KeysAndValues:
        """[b j s] -> k [b g j d], normalised and turned as the config says, and v [b g j d]."""
        k = self.turned(self.normed(self.project_k(source), self.norm_k), turns)
        return k, self.split(self.project_v(source))

    def normed(self, x: Tensor, norm: nn.Module) -> Tensor:
        """[b i (h d)] -> [b h i d], normalised as the config says."""
        if self.config.norm is not None and self.config.norm.over == "width":
            return self.split(norm(x))
        normed: Tensor = norm(self.split(x))
        return normed

    def turned(self, x: Tensor, turns: tuple[Tensor, Tensor] | None) -> Tensor:
        """[b h i d] -> [b h i d], with the rotary position embedding of the config."""
        if (rotary := self.config.rotary) is None:
            return x
        cos, sin = rotary.turns(torch.arange(x.shape[2])[None]) if turns is None else turns
        return rotate(x, cos, sin, interleaved=rotary.interleaved)

    def own_bias(self, queries: int, keys: int) -> ByDistance | None:
        """What the layer adds to the scores for the distances of the last `queries` of `keys` tokens to all of them."""
        if self.config.buckets is None or self.bias_of_buckets is None:
            return None
        offsets = torch.arange(1 - keys, queries, device=self.bias_of_buckets.device)
        return ByDistance(self.bias_of_buckets[self.config.buckets.of(offsets)].T.contiguous(), queries)

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
        return by_head.sum(1) + (self.project_out.bias if "out" in self.config.bias else 0)

    def check(self, x: Tensor, source: Tensor) -> None:
        wanted_x, wanted_source = f"[b i {self.config.d_model}]", f"[b j {self.config.d_source}]"
        if x.ndim != 3 or x.shape[-1] != self.config.d_model:
            raise ShapeMismatch(f"x is {list(x.shape)}, this layer reads {wanted_x}")
        if source.ndim != 3 or source.shape[-1] != self.config.d_source or source.shape[0] != x.shape[0]:
            raise ShapeMismatch(
                f"source is {list(source.shape)}, this layer reads {wanted_source} with b of x {list(x.shape)}"
            )
