"""GPT-2 (Radford et al. 2019): decoder, causal, byte-level BPE, learned positions."""

from transformers import GPT2Config

from ..attention.config import AttentionConfig
from .adapter import Adapter
from .stored import Stored, side_by_side

# Conv1D stores q, k and v side by side in one weight [in, 3 out].
WEIGHTS = {
    **side_by_side("attn.c_attn", transposed=True),
    "project_out.weight": Stored("attn.c_proj.weight", transposed=True),
    "project_out.bias": Stored("attn.c_proj.bias"),
}

# Some fields have a second name, which other families use.
# fmt: off
FIELDS = frozenset({
    "vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner", "activation_function",
    "layer_norm_epsilon", "initializer_range", "resid_pdrop", "embd_pdrop", "attn_pdrop", "scale_attn_weights",
    "scale_attn_by_inverse_layer_idx", "reorder_and_upcast_attn", "add_cross_attention", "tie_word_embeddings",
    "bos_token_id", "eos_token_id", "pad_token_id", "hidden_size", "num_hidden_layers", "num_attention_heads",
    "max_position_embeddings",
})
# fmt: on


def sizes(config: GPT2Config, layer: int) -> AttentionConfig:
    head_dim = config.n_embd // config.n_head
    scale = head_dim**-0.5 if config.scale_attn_weights else 1.0
    if config.scale_attn_by_inverse_layer_idx:
        scale /= layer + 1
    return AttentionConfig.of(config.n_embd, config.n_head, scale=scale, causal=True)


def refusal(config: GPT2Config) -> str | None:
    return "add_cross_attention is set: only self-attention is shown" if config.add_cross_attention else None


def reads_pairs(config: GPT2Config) -> bool:  # noqa: ARG001 - families share one signature
    return False


GPT2 = Adapter(
    family="gpt2",
    config_class=GPT2Config,
    blocks="h",
    attention="attn",
    weights=WEIGHTS,
    # Causal masks, which old checkpoints store with the weights.
    skipped=(r"h\.\d+\.attn\.(masked_)?bias",),
    fields=FIELDS,
    sizes=sizes,
    refusal=refusal,
    pairs=reads_pairs,
)
