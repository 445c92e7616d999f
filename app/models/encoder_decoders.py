"""Models with an encoder and a decoder over it: T5, and BART with its relatives.

Each has attention in three places: in the encoder, in the decoder, and of the decoder to the output of the encoder.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ..attention.bias import Bias
from ..attention.buckets import Buckets
from ..attention.config import AttentionConfig
from .adapter import AttentionWrapper, Place, own_cache
from .stored import Stored, projections


class SharedBias(AttentionWrapper):
    """Attention of T5: the first block has a bias for distances, and passes it on to the others."""

    def forward(
        self,
        hidden_states: Tensor,
        *_: object,
        mask: Tensor | None = None,
        position_bias: Bias | None = None,
        **options: Any,
    ) -> tuple[Any, ...]:
        """[b i m] -> [b i m], the bias, None. `options` are those of `attend`."""
        if position_bias is None:
            queries, cache = hidden_states.shape[1], own_cache(options)
            before = 0 if cache is None else cache.get_seq_length(self.number)
            position_bias = self.attention.own_bias(queries, before + queries)
        output = self.attend(hidden_states, attention_mask=mask, bias=position_bias, **options)
        return output, position_bias, None


def of_t5(blocks: str, module: str, *, causal: bool = False, biased: bool = True) -> Place:
    """T5 (Raffel et al. 2020): scores are not scaled, projections have no bias, heads have a width of their own."""

    def sizes(config: Any, layer: int) -> AttentionConfig:
        numbers = config.relative_attention_num_buckets, config.relative_attention_max_distance
        buckets = Buckets(*numbers, two_sided=not causal) if biased and layer == 0 else None
        return AttentionConfig.of(
            config.d_model,
            config.num_heads,
            head_dim=config.d_kv,
            scale=1.0,
            causal=causal,
            bias=False,
            buckets=buckets,
        )

    weights = {
        **projections(q=f"{module}.q", k=f"{module}.k", v=f"{module}.v", out=f"{module}.o"),
        "bias_of_buckets": Stored(f"{module}.relative_attention_bias.weight"),
    }
    return Place(blocks=blocks, attention=module, weights=weights, sizes=sizes, wrapper=SharedBias)


def of_bart(blocks: str, module: str, heads: str, *, causal: bool = False) -> Place:
    """BART (Lewis et al. 2020). `heads`: the field of config.json that has their number."""

    def sizes(config: Any, layer: int) -> AttentionConfig:  # noqa: ARG001 - families share one signature
        return AttentionConfig.of(config.d_model, getattr(config, heads), causal=causal)

    names = {"q": "q_proj", "k": "k_proj", "v": "v_proj", "out": "out_proj"}
    weights = projections(**{ours: f"{module}.{theirs}" for ours, theirs in names.items()})
    return Place(blocks=blocks, attention=module, weights=weights, sizes=sizes)


T5 = (
    of_t5("encoder.block", "layer.0.SelfAttention"),
    of_t5("decoder.block", "layer.0.SelfAttention", causal=True),
    of_t5("decoder.block", "layer.1.EncDecAttention", biased=False),
)
BART = (
    of_bart("encoder.layers", "self_attn", "encoder_attention_heads"),
    of_bart("decoder.layers", "self_attn", "decoder_attention_heads", causal=True),
    of_bart("decoder.layers", "encoder_attn", "decoder_attention_heads"),
)
# What differs between BART and its relatives, positions and the places of normalisation, is outside attention.
LIKE_BART = ("bart", "blenderbot", "blenderbot-small", "m2m_100", "marian", "mbart", "pegasus", "plbart")
ENCODER_DECODERS: Mapping[str, tuple[Place, ...]] = {
    "t5": T5,
    "mt5": T5,
    **dict.fromkeys(LIKE_BART, BART),
}
