"""Folders of tiny models with an encoder and a decoder over it, which can write, and their tokenizer."""

import torch
import transformers
from architectures import SEQ2SEQ, VOCABULARY
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from worlds import randomise

SPECIAL = ["<pad>", "</s>", "<unk>"]
WORDS = "the cat sat on a mat and dog saw red bird near old house with its two kind friends . ,"
IDS = {
    "pad_token_id": 0,
    "eos_token_id": 1,
    "decoder_start_token_id": 0,
    "bos_token_id": 0,
    "forced_eos_token_id": None,
}
BART = {**SEQ2SEQ, **IDS, "tie_word_embeddings": False}
KINDS = {
    "t5": (
        "T5Config",
        "T5ForConditionalGeneration",
        {"vocab_size": VOCABULARY, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4,
         "num_decoder_layers": 3, "tie_word_embeddings": False, **IDS},
    ),
    "bart": ("BartConfig", "BartForConditionalGeneration", BART),
    "marian": ("MarianConfig", "MarianMTModel", {**SEQ2SEQ, **IDS}),
}  # fmt: skip
SEEDS = {"t5": 12, "bart": 26, "marian": 1}
TEXT, TARGET = "the old cat sat on a red mat .", "a dog saw the bird"


def tokenizer():
    """One token for each word, and </s> at the end."""
    words = [*SPECIAL, *WORDS.split()]
    words += [f"word{number}" for number in range(len(words), VOCABULARY)]
    made = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    made.pre_tokenizer = Whitespace()
    made.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    made.add_special_tokens(SPECIAL)
    return made


def build(kind):
    """A model that does not write one token again and again: its tokens differ more than its biases."""
    config, model, sizes = KINDS[kind]
    made = randomise(getattr(transformers, model)(getattr(transformers, config)(**sizes)).eval(), SEEDS[kind])
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "embed_" in name or "shared" in name:
                parameter.mul_(4)
            if "norm" in name and name.endswith("weight"):
                parameter.add_(1)
            if name.endswith("bias"):
                parameter.mul_(0.1)
        for module in made.modules():
            if hasattr(module, "create_weight"):  # sines, which no file has
                module.weight.copy_(module.create_weight())
    return made


def write(folder, kind):
    folder.mkdir(exist_ok=True)
    build(kind).save_pretrained(folder)
    tokenizer().save(str(folder / "tokenizer.json"))
    return folder
