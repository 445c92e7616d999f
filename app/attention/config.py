"""The configuration of one attention layer."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from ..errors import ShapeMismatch
from .buckets import Buckets
from .rope import Rotary

PROJECTIONS = frozenset({"q", "k", "v", "out"})


@dataclass(frozen=True)
class QueryKeyNorm:
    """RMSNorm of queries and keys before the position embedding (Henry et al. 2020).

    over:   `head`: each head on its own, with one weight of its width; `width`: all heads together
    eps:    added to the mean square
    offset: added to the weight; 1 in Gemma, whose weights are stored minus 1
    """

    over: Literal["head", "width"]
    eps: float
    offset: float = 0.0


@dataclass(frozen=True)
class AttentionConfig:
    """Configuration of a multi-head attention layer.

    d_model:  width of the residual stream that the layer reads queries from and writes its output to
    heads:    number of query heads
    kv_heads: number of key/value heads; equal to `heads` for multi-head, 1 for multi-query, between for
              grouped-query attention (Ainslie et al. 2023)
    head_dim: width of one head
    d_source: width of the stream that keys and values are computed from; differs in cross-attention
    scale:    factor on q . k; head_dim ** -0.5 in Vaswani et al. 2017
    causal:   True: a query attends to no key after its own position
    window:   a query attends only to keys fewer than this many positions away; None: no limit
    bias:     the projections that have a bias: some of `q`, `k`, `v`, `out`
    softcap:  scores are limited to -softcap ... softcap by tanh (Gemma Team 2024); None: no limit
    rotary:   rotary position embedding; None: the layer knows nothing of positions
    norm:     normalisation of queries and keys; None: none
    sinks:    True: each head has a score that belongs to no key (gpt-oss)
    buckets:  of distances, each with a bias for each head; None: the layer adds none of its own
    """

    d_model: int
    heads: int
    kv_heads: int
    head_dim: int
    d_source: int
    scale: float
    causal: bool
    window: int | None
    bias: frozenset[str]
    softcap: float | None = None
    rotary: Rotary | None = None
    norm: QueryKeyNorm | None = None
    sinks: bool = False
    buckets: Buckets | None = None

    @classmethod
    def of(  # noqa: PLR0913 - one argument a size
        cls,
        d_model: int,
        heads: int,
        *,
        kv_heads: int | None = None,
        head_dim: int | None = None,
        d_source: int | None = None,
        scale: float | None = None,
        causal: bool = False,
        window: int | None = None,
        bias: bool | Collection[str] = True,
        softcap: float | None = None,
        rotary: Rotary | None = None,
        norm: QueryKeyNorm | None = None,
        sinks: bool = False,
        buckets: Buckets | None = None,
    ) -> "AttentionConfig":
        """A config with the usual defaults. `bias`: True for all projections. Raises ShapeMismatch if sizes misfit."""
        kv_heads = heads if kv_heads is None else kv_heads
        if min(d_model, heads, kv_heads) < 1 or heads % kv_heads:
            raise ShapeMismatch(
                f"{heads} heads do not divide into {kv_heads} key/value heads: take a divisor of {heads}"
            )
        if head_dim is None and d_model % heads:
            raise ShapeMismatch(f"width {d_model} does not divide into {heads} heads: say head_dim, or take a divisor")
        head_dim = d_model // heads if head_dim is None else head_dim
        if head_dim < 1 or (window is not None and window < 1):
            raise ShapeMismatch(f"head_dim {head_dim} and window {window}: take 1 or more")
        if rotary is not None and rotary.width > head_dim:
            raise ShapeMismatch(f"rotary width {rotary.width} is more than head_dim {head_dim}")
        biased = (PROJECTIONS if bias else frozenset()) if isinstance(bias, bool) else frozenset(bias)
        scale = head_dim**-0.5 if scale is None else scale
        sizes = d_model, heads, kv_heads, head_dim, d_source or d_model
        return cls(*sizes, scale, causal, window, biased, softcap, rotary, norm, sinks, buckets)
