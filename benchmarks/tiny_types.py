"""A tiny random model of any model type of transformers: a small value for each size in its configuration."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from transformers import CONFIG_MAPPING, PretrainedConfig, PreTrainedModel

from headscope.models.heads import base_class

VOCABULARY = 64
WIDTH, HEADS, HEAD_DIM, LAYERS, POSITIONS = 64, 4, 16, 2, 64
MOST_LAYERS = 8
MOST_PARAMETERS = 20_000_000
SPREAD = 0.2  # standard deviation of the random weights

# Part of the name of a field -> its value. The first that is found decides; None: as it is.
SIZES: dict[str, int | str | None] = {
    r"^(num_)?labels|type_vocab_size|^vocab_offset": None,
    r"vocab|n_words|codebook_size": VOCABULARY,
    r"^decoder_start_token_id|^_?pad_token_id|pad_id$": 0,
    r"^(bos|cls)_token_id": 1,
    r"^(eos|sep)_token_id|^forced_eos": 2,
    r"token_(id|index)$": VOCABULARY - 2,
    r"experts?_per_tok|top_?k$|moe_k$|num_selected": 2,
    r"topk_group|first_k_dense": 1,
    r"^n_group|num_expert_group": 2,
    r"shared_experts$|num_nextn": None,
    r"num_experts|n_routed_experts|num_local_experts|expert_num$|_num_experts": 4,
    r"num_key_value|kv_n_heads|kv_heads": "kv_heads",
    r"rotary_dim": HEAD_DIM // 2,
    r"^mamba_(d_head|head_dim)": 2 * WIDTH // HEADS,
    r"rope_head_dim|nope_head_dim|v_head_dim": HEAD_DIM // 2,
    r"head_dim|head_size|d_kv|kv_channels|d_head|linear_\w+_dim$": HEAD_DIM,
    r"heads?$|heads_per_layer": HEADS,
    r"lora_rank|_rank$": 8,
    r"position_embeddings?$|positions$|n_ctx|max_seq_len|max_length": POSITIONS,
    r"num_hidden_layers|num_layers$|^n_layers?$|(en|de)coder_layers$|^layers$|^depth$|num_adapter_layers": "layers",
    r"sliding_window$|window_size$|local_attention$": 8,
    r"attention_chunk_size": 5,
    r"image_size|crop_size": 32,
    r"(?<!temporal_)patch_size": 8,
    r"temporal|num_channels|in_channels|out_channels|audio_channels|kernel|stride|merge_size|_factor$|expand": None,
    r"intermediate|ffn_dim|^d_ff|^dff|mlp_dim|ffn_hidden|n_inner": 2 * WIDTH,
    r"d_state|state_size": 8,
    r"mamba_chunk_size|^chunk_size$": 4,
    r"hidden_size_per_layer_input|embedding_size": WIDTH // 2,
    r"hidden_size|d_model|n_embd|emb_dim|embed_dim|(?<!_)dim$|projection_dim|hidden_dim|output_dim": WIDTH,
    r"_width$|d_inner": WIDTH,
}  # fmt: skip


def small_config(model_type: str) -> PretrainedConfig:
    """The default configuration of a type with small sizes."""
    kind = CONFIG_MAPPING[model_type]
    fields = small(kind().to_dict())
    for path, value in EXCEPTIONS.get(model_type, {}).items():
        *parents, name = path.split(".")
        inner = fields
        for parent in parents:
            inner = inner[parent]
        inner[name] = value
    config: PretrainedConfig = kind.from_dict(fields)
    return config


def small(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with small values, at every depth; lists of one entry per layer get the new length."""
    numbers = {name: value for name, value in fields.items() if type(value) is int}
    layers = {value for name, value in numbers.items() if size_of(name) == "layers"}
    heads = {value for name, value in numbers.items() if size_of(name) == HEADS}
    depth = max((needed(value) for value in fields.values() if is_list(value) and len(value) in layers), default=LAYERS)
    found: dict[str, Any] = {}
    for name, value in fields.items():
        size = size_of(name)
        if isinstance(value, Mapping):
            found[name] = of_layers(value, depth) if name == "per_layer_config" else small(value)
        elif is_list(value):
            found[name] = value[:depth] if len(value) in layers else small_list(name, value, depth)
        elif type(value) is not int or size is None:
            found[name] = value
        elif size == "kv_heads":
            found[name] = min(value, HEADS if value in heads else HEADS // 2)
        elif size == "layers":
            found[name] = min(value, depth)
        else:
            found[name] = size if "token" in name else min(value, size)
    if found.get("head_dim", 0) is None:
        found["head_dim"] = HEAD_DIM
    if "qk_rope_head_dim" in found and "head_dim" in found:
        found["head_dim"] = found["qk_rope_head_dim"]
    return found


def is_list(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0


def needed(kinds: Any) -> int:
    """The number of layers among which all kinds occur, at most MOST_LAYERS."""
    if not all(isinstance(kind, str) for kind in kinds):
        return LAYERS
    return min(MOST_LAYERS, max(LAYERS, *(kinds.index(kind) + 1 for kind in set(kinds))))


def of_layers(value: Mapping[Any, Any], depth: int) -> dict[Any, Any]:
    return {layer: small(fields) for layer, fields in value.items() if int(layer) < depth}


def small_list(name: str, value: Any, depth: int) -> Any:
    if name == "mrope_section":
        return [2, 3, 3]
    if not all(type(each) is int for each in value):
        return value
    if re.search("layers$|idxs$|indexes$|indices$", name):
        return [each for each in value if each < depth]
    size = size_of(name)
    return [size] * len(value) if isinstance(size, int) else value


def size_of(name: str) -> int | str | None:
    for pattern, size in SIZES.items():
        if re.search(pattern, str(name)):
            return size
    return None


# Fields that a type needs, by their path in its configuration.
BLOCKS = {"index_block_size": 4, "index_topk_blocks": 2, "rotary_dim": 8, "layer_types": ["minimax_m3_sparse"] * 2}
MIXTURE = {"n_routed_experts": 4, "num_experts_per_tok": 2, "n_shared_experts": 1}
# Smaller weights, for types whose scores or numbers would be too large for float32.
SPREADS = {"granite": 0.1, "mobilebert": 0.15, "zamba": 0.1}
EXCEPTIONS: dict[str, dict[str, Any]] = {
    "bamba": {"attn_layer_indices": [1]},
    "bros": {"dim_bbox_sinusoid_emb_2d": 32, "dim_bbox_sinusoid_emb_1d": 4, "dim_bbox_projection": HEAD_DIM},
    "dbrx": {"attn_config": {"kv_n_heads": 2, "rope_theta": 1e4, "clip_qkv": 8.0}},
    "deepseek_v2": MIXTURE,
    "deepseek_vl_hybrid": {"high_res_vision_config.global_attn_indexes": [1]},
    "dots1": MIXTURE,
    "esm": {"vocab_size": VOCABULARY, "pad_token_id": 0, "mask_token_id": 3},
    "falcon_h1": {"mamba_d_ssm": 2 * WIDTH, "mamba_d_head": 32},
    "gemma3n_text": {
        "num_kv_shared_layers": 2,
        "num_hidden_layers": 6,
        "layer_types": ["sliding_attention", "full_attention"] * 3,
        "activation_sparsity_pattern": [0.0] * 6,
        "intermediate_size": 128,
    },
    "granitemoehybrid": {"layer_types": ["mamba", "attention"]},
    "hrm_text": {"num_layers_per_stack": 1, "L_cycles": 1},
    "jamba": {"num_hidden_layers": 8},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "markuplm": {"max_depth": 4},
    "minimax_m3_vl": {f"text_config.{name}": value for name, value in BLOCKS.items()},
    "minimax_m3_vl_text": BLOCKS,
    "mistral4": {"head_dim": HEAD_DIM},
    "mobilebert": {"intra_bottleneck_size": 32, "true_hidden_size": 32},
    "nemotron": {"num_key_value_heads": 2},
    "recurrent_gemma": {"num_hidden_layers": 3},
    "step3p7": {"text_config.sliding_window": 8},
    "xmod": {"default_language": "en_XX"},
    "zamba": {
        "attention_hidden_size": 2 * WIDTH,
        "attention_head_dim": 32,
        "num_hidden_layers": 6,
        "layers_block_type": ["linear_attention", "linear_attention", "hybrid"] * 2,
    },
}


def tiny(model_type: str) -> PreTrainedModel:
    """A model in which every parameter is random."""
    spread = SPREADS.get(model_type, SPREAD)
    config, kind = small_config(model_type), base_class(model_type)
    with torch.device("meta"):
        count = kind._from_config(config, attn_implementation="eager").num_parameters()
    if count > MOST_PARAMETERS:
        raise MemoryError(f"{count:,} parameters: not tiny")
    model: PreTrainedModel = kind._from_config(small_config(model_type), attn_implementation="eager")
    make = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            middle = 1.0 if (parameter == 1).all() else 0.0  # gains of normalisations stay around 1
            parameter.copy_(middle + torch.randn(parameter.shape, generator=make) * spread)
    return model.eval()
