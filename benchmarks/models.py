"""The measured models: the shape of GPT-2 small with random weights, so that no model hub is needed."""

import random
import string
from pathlib import Path

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


def write_gpt2(folder: Path, **sizes: int) -> Path:
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(vocab_size=256, bos_token_id=0, eos_token_id=0, **sizes)
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator([], 256)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def text(tokens: int) -> str:
    """A random text: a text that was captured before would cost nothing."""
    return "".join(random.choices(string.ascii_lowercase, k=tokens))
