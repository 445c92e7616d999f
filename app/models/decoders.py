"""Decoders with rotary position embeddings (Su et al. 2021), as a table: what differs between families is data.

Their blocks normalise, attend, and add; the parts that differ within attention are rows of `DECODERS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import transformers

from ..attention.config import AttentionConfig, QueryKeyNorm
from ..attention.rope import Rotary
from .adapter import Adapter
from .stored import Stored, Weights, norms, projections, side_by_side

QKV = ("q", "k", "v")
ALL = (*QKV, "out")
SLIDING = "sliding_attention"

SEPARATE: Weights = {
    **projections(q="self_attn.q_proj", k="self_attn.k_proj", v="self_attn.v_proj", out="self_attn.o_proj"),
    **norms(q="self_attn.q_norm", k="self_attn.k_norm"),
    "sinks": Stored("self_attn.sinks"),
}
FUSED: Weights = {**side_by_side("self_attn.qkv_proj"), **projections(out="self_attn.o_proj")}
NEOX: Weights = {
    **side_by_side("attention.query_key_value"),
    **projections(out="attention.dense"),
}

# Names of sizes in older config.json files, which transformers converts.
OLD_FIELDS = frozenset({
    "rope_theta", "rope_scaling", "rope_local_base_freq", "partial_rotary_factor", "rotary_pct", "rotary_emb_base",
    "sliding_window_pattern",
})  # fmt: skip


@dataclass(frozen=True)
class Decoder:
    """What is special about the attention of one family.

    classes:     the beginning of the names of its classes in transformers: `Llama` for LlamaConfig and LlamaModel
    weights:     where its weights are stored
    biased:      the projections that have a bias
    bias_field:  the field of config.json that says whether they have it; None: always
    norm:        what queries and keys are normalised over; None: they are not
    norm_offset: what is added to the weights of that normalisation
    interleaved: True: the rotary embedding turns pairs of neighbours
    capped:      True: scores are limited to the softcap of the config; Gemma 3 has the field, but no cap
    sinks:       True: each head has a sink
    scale:       config -> factor on q . k; None: head_dim ** -0.5
    """

    classes: str
    weights: Weights
    biased: tuple[str, ...] = ALL
    bias_field: str | None = "attention_bias"
    norm: Literal["head", "width"] | None = None
    norm_offset: float = 0.0
    interleaved: bool = False
    capped: bool = False
    sinks: bool = False
    scale: Callable[[Any], float] | None = None
    config: str = ""
    attention: str = "self_attn"
    by_head: str | None = None

    def sizes(self, config: Any, layer: int) -> AttentionConfig:
        """The attention of one layer."""
        heads, width = config.num_attention_heads, config.hidden_size
        head_dim = getattr(config, "head_dim", None) or width // heads
        biased = self.bias_field is None or getattr(config, self.bias_field, False)
        return AttentionConfig.of(
            width,
            heads,
            kv_heads=getattr(config, "num_key_value_heads", None),
            head_dim=head_dim,
            scale=self.scale and self.scale(config),
            causal=not getattr(config, "use_bidirectional_attention", False),
            window=window_of(config, layer),
            bias=self.biased if biased else (),
            softcap=config.attn_logit_softcapping if self.capped else None,
            rotary=rotary_of(config, layer, head_dim, interleaved=self.interleaved),
            norm=self.norm and QueryKeyNorm(self.norm, config.rms_norm_eps, self.norm_offset),
            sinks=self.sinks,
        )

    def adapter(self, family: str) -> Adapter:
        config_class = getattr(transformers, f"{self.classes}{self.config}Config")
        return Adapter(
            family=family,
            config_class=config_class,
            blocks="layers",
            attention=self.attention,
            weights=self.weights,
            # Angles and masks, which old checkpoints store with the weights.
            skipped=(r"(.*\.)?rotary_emb\.inv_freq", r"(.*\.)?attention\.(masked_)?bias"),
            fields=frozenset(config_class.__annotations__) | OLD_FIELDS,
            sizes=self.sizes,
            refusal=lambda _: None,
            pairs=lambda _: False,
            by_head=self.by_head,
        )


def layer_type(config: Any, layer: int) -> str | None:
    """`full_attention` or `sliding_attention` for models whose layers differ; None for others."""
    types = getattr(config, "layer_types", None)
    return None if types is None else types[layer]


def window_of(config: Any, layer: int) -> int | None:
    """The sliding window of a layer; None if it has none."""
    return getattr(config, "sliding_window", None) if layer_type(config, layer) in (SLIDING, None) else None


def rotary_of(config: Any, layer: int, head_dim: int, *, interleaved: bool) -> Rotary | None:
    """The rotary embedding of a layer. Models of transformers pass its angles, also those that are scaled (YaRN)."""
    with_rotary = getattr(config, "no_rope_layers", None)  # SmolLM3; 1 for layers that have it, whatever the name says
    if with_rotary is not None and not with_rotary[layer]:
        return None
    parameters = config.rope_parameters
    parameters = parameters.get(layer_type(config, layer), parameters)  # Gemma 3 has one base for each type of layer
    width = int(head_dim * parameters.get("partial_rotary_factor", 1.0))
    return Rotary(width, parameters["rope_theta"], interleaved)


def by_query_size(config: Any) -> float:
    scale: float = config.query_pre_attn_scalar**-0.5
    return scale


DECODERS = {
    "llama": Decoder("Llama", SEPARATE),
    "mistral": Decoder("Mistral", SEPARATE),
    "qwen2": Decoder("Qwen2", SEPARATE, biased=QKV, bias_field=None),
    "qwen3": Decoder("Qwen3", SEPARATE, norm="head"),
    "gemma": Decoder("Gemma", SEPARATE),
    "gemma2": Decoder("Gemma2", SEPARATE, capped=True, scale=by_query_size),
    "gemma3_text": Decoder("Gemma3", SEPARATE, config="Text", norm="head", norm_offset=1.0, scale=by_query_size),
    "phi3": Decoder("Phi3", FUSED),
    "olmo2": Decoder("Olmo2", SEPARATE, norm="width"),
    "smollm3": Decoder("SmolLM3", SEPARATE),
    "glm": Decoder("Glm", SEPARATE, biased=QKV, interleaved=True),
    "gpt_oss": Decoder("GptOss", SEPARATE, sinks=True),
    "gpt_neox": Decoder("GPTNeoX", NEOX, attention="attention", by_head="attention.query_key_value"),
}
DECODER_ADAPTERS = tuple(decoder.adapter(family) for family, decoder in DECODERS.items())
