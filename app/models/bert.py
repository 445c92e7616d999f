"""BERT (Devlin et al. 2019): encoder, WordPiece, learned positions, sentence pairs."""

from transformers import BertConfig

from ..attention.config import AttentionConfig
from .adapter import Adapter
from .stored import projections

# The output projection is outside Hugging Face's self-attention module, before dropout and LayerNorm.
WEIGHTS = projections(
    q="attention.self.query", k="attention.self.key", v="attention.self.value", out="attention.output.dense"
)

# fmt: off
FIELDS = frozenset({
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act",
    "hidden_dropout_prob", "attention_probs_dropout_prob", "max_position_embeddings", "type_vocab_size",
    "initializer_range", "layer_norm_eps", "pad_token_id", "position_embedding_type", "is_decoder",
    "add_cross_attention", "tie_word_embeddings",
})
# fmt: on


def sizes(config: BertConfig, layer: int) -> AttentionConfig:  # noqa: ARG001 - families share one signature
    return AttentionConfig.of(config.hidden_size, config.num_attention_heads)


def refusal(config: BertConfig) -> str | None:
    if config.is_decoder or config.add_cross_attention:
        return "is_decoder or add_cross_attention is set: only encoders are shown"
    if getattr(config, "position_embedding_type", "absolute") != "absolute":
        return f"position_embedding_type {str(config.position_embedding_type)[:80]!r}: only 'absolute' is computed"
    return None


def reads_pairs(config: BertConfig) -> bool:
    """A pair needs an embedding for the second segment."""
    return bool(config.type_vocab_size > 1)


BERT = Adapter(
    family="bert",
    config_class=BertConfig,
    blocks="encoder.layer",
    attention="attention.self",
    absorbed=("attention.output.dense",),
    weights=WEIGHTS,
    # Positions, which old checkpoints store with the weights.
    skipped=(r"embeddings\.position_ids",),
    fields=FIELDS,
    sizes=sizes,
    refusal=refusal,
    pairs=reads_pairs,
)
