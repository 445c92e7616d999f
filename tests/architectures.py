"""Tiny random models of many architectures, which transformers implements and this project has no table for."""

from dataclasses import dataclass, field
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from worlds import randomise

VOCABULARY = 64
SIZES = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "max_position_embeddings": 64,
}  # fmt: skip
GROUPED = {**SIZES, "num_key_value_heads": 2}
LATENT = {
    "q_lora_rank": 8, "kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 4, "v_head_dim": 6,
    "moe_intermediate_size": 16, "n_routed_experts": 4, "n_group": 2, "topk_group": 1, "num_experts_per_tok": 2,
}  # fmt: skip
SEQ2SEQ = {
    "vocab_size": VOCABULARY, "d_model": 32, "encoder_layers": 2, "decoder_layers": 3, "encoder_attention_heads": 4,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "max_position_embeddings": 64,
}  # fmt: skip


@dataclass(frozen=True)
class Architecture:
    """The name of a configuration class, and of a model class, of transformers; `shows`: what is special about it."""

    config: str
    model: str
    shows: str
    sizes: dict[str, Any] = field(default_factory=lambda: SIZES)

    def build(self, seed: int = 0, attention: str = "eager") -> transformers.PreTrainedModel:
        config = getattr(transformers, self.config)(**self.sizes)
        model = getattr(transformers, self.model)._from_config(config, attn_implementation=attention)
        return randomise(model.eval(), seed)


ARCHITECTURES = {
    "llama": Architecture("LlamaConfig", "LlamaModel", "grouped-query", GROUPED),
    "mistral": Architecture("MistralConfig", "MistralModel", "causal window", {**GROUPED, "sliding_window": 4}),
    "qwen3": Architecture("Qwen3Config", "Qwen3Model", "normalised queries and keys", {**GROUPED, "head_dim": 12}),
    "gemma2": Architecture(
        "Gemma2Config", "Gemma2Model", "capped scores", {**GROUPED, "head_dim": 8, "sliding_window": 4}
    ),
    "gpt-oss": Architecture(
        "GptOssConfig", "GptOssModel", "sinks",
        {**GROUPED, "head_dim": 8, "sliding_window": 4, "num_local_experts": 2, "num_experts_per_tok": 1},
    ),
    "modernbert": Architecture(
        "ModernBertConfig", "ModernBertModel", "two-sided window",
        {**SIZES, "num_hidden_layers": 3, "local_attention": 6, "pad_token_id": 0, "bos_token_id": 1,
         "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2},
    ),
    "llama4": Architecture(
        "Llama4TextConfig", "Llama4TextModel", "chunks",
        {**GROUPED, "head_dim": 8, "attention_chunk_size": 5, "intermediate_size_mlp": 48, "num_local_experts": 2,
         "num_hidden_layers": 4, "pad_token_id": 0},
    ),
    "deepseek": Architecture(
        "DeepseekV3Config", "DeepseekV3Model", "values of another width", {**SIZES, **LATENT, "num_key_value_heads": 4}
    ),
    "jamba": Architecture(
        "JambaConfig", "JambaModel", "layers without attention", {**GROUPED, "num_hidden_layers": 8, "num_experts": 2}
    ),
    "albert": Architecture("AlbertConfig", "AlbertModel", "one module for all layers", {**SIZES, "embedding_size": 16}),
    "roberta": Architecture("RobertaConfig", "RobertaModel", "full", {**SIZES, "pad_token_id": 0}),
    "t5": Architecture(
        "T5Config", "T5Model", "bias by distance",
        {"vocab_size": VOCABULARY, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4},
    ),
    "bart": Architecture("BartConfig", "BartModel", "two stacks", SEQ2SEQ),
}  # fmt: skip


def inputs_of(model: transformers.PreTrainedModel, length: int = 24, target: int = 15) -> dict[str, Any]:
    """Random tokens, and for an encoder-decoder model those of its target."""
    make = torch.Generator().manual_seed(0)
    names = {"input_ids": length, **({"decoder_input_ids": target} if model.config.is_encoder_decoder else {})}
    return {name: torch.randint(3, VOCABULARY, (1, size), generator=make) for name, size in names.items()}


# Models that do not use the attention interface: their modules multiply queries, keys and values themselves.
WATCHED = {
    "bloom": Architecture(
        "BloomConfig", "BloomModel", "bias by key",
        {"vocab_size": VOCABULARY, "hidden_size": 32, "n_layer": 2, "n_head": 4},
    ),
    "falcon": Architecture("FalconConfig", "FalconModel", "multi-query", SIZES),
    "mpt": Architecture(
        "MptConfig", "MptModel", "bias by key", {"vocab_size": VOCABULARY, "d_model": 32, "n_layers": 2, "n_heads": 4}
    ),
    "gpt-j": Architecture(
        "GPTJConfig", "GPTJModel", "rotary",
        {"vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 2, "n_head": 4, "rotary_dim": 4},
    ),
    "gpt-neo": Architecture(
        "GPTNeoConfig", "GPTNeoModel", "causal window",
        {"vocab_size": VOCABULARY, "hidden_size": 32, "num_layers": 2, "num_heads": 4, "window_size": 4,
         "attention_types": [[["global", "local"], 1]], "intermediate_size": 48},
    ),
    "mpnet": Architecture("MPNetConfig", "MPNetModel", "bias by distance", SIZES),
    "i-bert": Architecture("IBertConfig", "IBertModel", "softmax in a module of its own", SIZES),
    "xlnet": Architecture(
        "XLNetConfig", "XLNetModel", "written as einsum, a bias by content and position",
        {"vocab_size": VOCABULARY, "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 48},
    ),
    "deberta": Architecture(
        "DebertaV2Config", "DebertaV2Model", "bias by content",
        {**SIZES, "relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_buckets": 8,
         "max_relative_positions": 16},
    ),
}  # fmt: skip


def write(folder, name):
    """Files of an architecture with random weights, in a folder."""
    return write_model(folder, ARCHITECTURES[name].build())


def write_model(folder, model):
    """Files of a model, with a tokenizer of a few words."""
    model.save_pretrained(folder)
    words = ["[UNK]", "the", "cat", "sat", "on", "mat"]
    tokenizer = Tokenizer(WordLevel({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
