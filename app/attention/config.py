"""The configuration of one attention layer."""

from dataclasses import dataclass

from ..errors import ShapeMismatch


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
    bias:     True: the four projections have a bias
    """

    d_model: int
    heads: int
    kv_heads: int
    head_dim: int
    d_source: int
    scale: float
    causal: bool
    window: int | None
    bias: bool

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
        bias: bool = True,
    ) -> "AttentionConfig":
        """A config with the usual defaults. Raises ShapeMismatch if the sizes do not divide."""
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
        scale = head_dim**-0.5 if scale is None else scale
        return cls(d_model, heads, kv_heads, head_dim, d_source or d_model, scale, causal, window, bias)
