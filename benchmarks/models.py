"""The measured models: shapes of well-known models with random weights, so that no model hub is needed."""

import random
import string
from pathlib import Path
from typing import Any

from .paths import MODELS

POSITIONS = 32_768
LAYERS = HEADS = 12


def random_gpt2(layers: int = LAYERS) -> Path:
    """A model folder: 12 heads of width 64, positions for 32,768 tokens, one token for each byte of the text.

    Only the vocabulary of 256 is smaller than that of GPT-2 small; no benchmark computes logits.
    """
    folder = MODELS / f"random-{layers}"
    if (folder / "tokenizer.json").is_file():
        return folder
    return write_gpt2(folder, n_positions=POSITIONS, n_layer=layers)


def small_gpt2(layers: int) -> Path:
    """A model folder of few megabytes: 8 heads of width 32, 1,024 positions. All are in a folder of their own."""
    folder = MODELS / "small" / f"small-{layers}"
    if (folder / "tokenizer.json").is_file():
        return folder
    return write_gpt2(folder, n_positions=1024, n_layer=layers, n_head=8, n_embd=256)


def small_foreign() -> tuple[Path, Path]:
    """An ALBERT and a T5 beside them. The project has no table for ALBERT, so that checking it builds it."""
    from transformers import AlbertConfig, AlbertModel, T5Config, T5ForConditionalGeneration

    albert, t5 = MODELS / "small" / "albert", MODELS / "small" / "t5"
    if not (albert / "tokenizer.json").is_file():
        sizes = {"hidden_size": 256, "embedding_size": 64, "intermediate_size": 512, "num_hidden_layers": 4}
        config = AlbertConfig(vocab_size=256, num_attention_heads=8, max_position_embeddings=1024, **sizes)
        write_model(albert, AlbertModel, config)
    if not (t5 / "tokenizer.json").is_file():
        config = T5Config(vocab_size=256, d_model=256, d_kv=32, d_ff=512, num_layers=3, num_heads=8)
        write_model(t5, T5ForConditionalGeneration, config)
    return albert, t5


def random_llama(layers: int = LAYERS, width: int = 768, shard: str = "50GB") -> Path:
    """A model folder of a small modern decoder: heads of width 64, three on each key/value head.

    shard: size of the files that its weights are divided into
    """
    folder = MODELS / f"llama-{layers}-{width}"
    if not (folder / "tokenizer.json").is_file():
        from transformers import LlamaConfig, LlamaForCausalLM

        heads = width // 64
        config = LlamaConfig(
            vocab_size=256, hidden_size=width, intermediate_size=8 * width // 3, num_hidden_layers=layers,
            num_attention_heads=heads, num_key_value_heads=heads // 3, max_position_embeddings=POSITIONS,
        )  # fmt: skip
        write_model(folder, LlamaForCausalLM, config, shard)
    return folder


def write_gpt2(folder: Path, **sizes: int) -> Path:
    from transformers import GPT2Config, GPT2LMHeadModel

    return write_model(folder, GPT2LMHeadModel, GPT2Config(vocab_size=256, bos_token_id=0, eos_token_id=0, **sizes))


def write_model(folder: Path, model_class: Any, config: Any, shard: str = "50GB") -> Path:
    """Random weights, and a tokenizer with a token for each byte."""
    import torch
    from tokenizers import ByteLevelBPETokenizer

    torch.manual_seed(0)
    model_class(config).save_pretrained(folder, max_shard_size=shard)
    tokenizer = ByteLevelBPETokenizer()
    # Its progress goes to standard output, where a worker has its answers.
    tokenizer.train_from_iterator([], 256, show_progress=False)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def text(tokens: int) -> str:
    """A random text: a text that was captured before would cost nothing."""
    return "".join(random.choices(string.ascii_lowercase, k=tokens))
